import type { Packr } from 'msgpackr';

/**
 * MessagePack of what holds data only.
 *
 * The packer takes an object for one of a class where its `constructor` is data, and asks it for its `toJSON`, which may
 * be data too. Of a map it asks nothing, and writes the same.
 */
export function packed(packr: Packr, value: unknown): Buffer {
  try {
    return packr.pack(value);
  } catch {
    return packr.pack(asMaps(value));
  }
}

function asMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asMaps);
  if (typeof value !== 'object' || value === null) return value;
  return new Map(Object.entries(value).map(([name, child]) => [name, asMaps(child)]));
}
