import { randomBytes } from 'node:crypto';
import { hasReservedCharacters } from './change.ts';

/** Longer than any that is drawn. */
const maxIdLength = 64;

const pooledBytes = 1_536;

let pool = Buffer.alloc(0);
let used = 0;

/** An id that nobody else draws, base64url: of a transaction by default. Drawn many at a time, as asking the system for each is slow. */
export function randomId(bytes = 12): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(pooledBytes);
    used = 0;
  }
  used += bytes;
  return pool.toString('base64url', used - bytes, used);
}

/** What another node calls a store, a table or a transaction: it becomes part of keys of the store. */
export function isId(text: string): boolean {
  return text.length <= maxIdLength && !hasReservedCharacters(text);
}

/** Forgets what is drawn ahead: for whoever puts another source of randomness in the place of the system's. */
export function forgetDrawnIds(): void {
  used = pool.length;
}
