import { toBufferKey } from 'ordered-binary';
import type { TreeKey } from '../../src/store/environment.ts';

type Part = string | number;

const maxRemembered = 50_000;
const single = new Map<Part, string>();
const pairs = new Map<Part, Map<Part, string>>();
let remembered = 0;

/**
 * A key as a string that sorts as LMDB sorts the key: its bytes, a character each.
 *
 * A history asks for the same keys again and again. Nearly all are a name or a number, or two of those: these are
 * encoded once.
 */
export function sortable(key: TreeKey): string {
  if (isPart(key)) return single.get(key) ?? remember(single, key, encoded(key));
  if (!Array.isArray(key) || key.length !== 2) return encoded(key);
  const [first, second] = key;
  if (!isPart(first) || !isPart(second)) return encoded(key);
  return pairs.get(first)?.get(second) ?? rememberPair(first, second, encoded(key));
}

function isPart(key: TreeKey | undefined): key is Part {
  return typeof key === 'string' || typeof key === 'number';
}

function rememberPair(first: Part, second: Part, sorted: string): string {
  const seconds = pairs.get(first) ?? new Map<Part, string>();
  pairs.set(first, seconds);
  return remember(seconds, second, sorted);
}

function remember(known: Map<Part, string>, part: Part, sorted: string): string {
  known.set(part, sorted);
  remembered += 1;
  if (remembered > maxRemembered) forget();
  return sorted;
}

function forget(): void {
  single.clear();
  pairs.clear();
  remembered = 0;
}

function encoded(key: TreeKey): string {
  return toBufferKey(key).toString('latin1');
}
