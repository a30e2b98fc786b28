/** What keeping a value takes beside its content, about. */
const slotBytes = 16;

/** About how much memory a value takes, with all that is within it. Names of attributes are shared, and not counted. */
export function heldBytes(value: unknown): number {
  if (typeof value === 'string') return slotBytes + value.length;
  if (typeof value !== 'object' || value === null) return slotBytes;
  let bytes = slotBytes;
  for (const part of Object.values(value)) bytes += heldBytes(part);
  return bytes;
}
