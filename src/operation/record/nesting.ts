/** How deep a value of a record may be nested; every node, whatever its stack, must be able to decode it. */
export const maxNesting = 200;

/** Whether objects and arrays lie deeper within each other than `levels`. Looks no deeper than that. */
export function isNestedDeeper(value: unknown, levels = maxNesting): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((child) => isNestedDeeper(child, levels - 1));
}
