import { isDeepStrictEqual } from 'node:util';

type Fields = Readonly<Record<string, unknown>>;

/**
 * What turns one object into another as JSON Merge Patch (RFC 7396) says it: fields that differ, null for those that are
 * gone, lists as a whole. Neither object may hold a null of its own.
 */
export function patchFrom(before: Fields, after: Fields): Fields {
  const changed = Object.entries(after).flatMap(([name, value]): [string, unknown][] => {
    const old = Object.hasOwn(before, name) ? before[name] : undefined;
    if (isDeepStrictEqual(old, value)) return [];
    return [[name, isFields(old) && isFields(value) ? patchFrom(old, value) : value]];
  });
  const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return Object.fromEntries([...changed, ...gone.map((name) => [name, null] as const)]);
}

/** What a patch makes of a value. */
export function patched(before: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const fields = new Map(isFields(before) ? Object.entries(before) : []);
  for (const [name, change] of Object.entries(patch))
    if (change === null) fields.delete(name);
    else fields.set(name, patched(fields.get(name), change));
  return Object.fromEntries(fields);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}
