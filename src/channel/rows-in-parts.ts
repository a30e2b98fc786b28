import { createHash } from 'node:crypto';

/** A part of rows that are too much for one answer. */
export interface Part {
  /** Bytes of the whole that come before it. */
  readonly from: number;
  /** Bytes of the whole. */
  readonly total: number;
  /** Of the whole: a part of what has changed since is not one of the same rows. */
  readonly id: string;
}

/**
 * What goes into one answer: all of the rows, or where that is more than twice `maxBytes`, so much of them from `from` on.
 * A single record may be larger than a message can be, and than a slow link should carry at a time.
 */
export function partOf(
  rows: Uint8Array,
  from: number,
  maxBytes: number,
): { readonly rows: Uint8Array; readonly part?: Part } {
  if (rows.length <= 2 * maxBytes) return { rows };
  const id = createHash('sha256').update(rows).digest('base64url');
  return { rows: rows.subarray(from, from + maxBytes), part: { from, total: rows.length, id } };
}

/** Joins rows that come in parts. */
export class RowsInParts {
  #id = '';
  #parts: Uint8Array[] = [];
  #from = 0;

  /** Where the next part begins; 0 when none has come. */
  get from(): number {
    return this.#from;
  }

  /** All of the rows; undefined until the last part has come, and begins again where they have changed meanwhile. */
  join(rows: Uint8Array, part: Part | undefined): Uint8Array | undefined {
    if (!part) {
      this.#begin('');
      return rows;
    }
    if (part.id !== this.#id || part.from !== this.#from) this.#begin(part.id);
    if (part.from !== this.#from) return undefined;
    this.#parts.push(rows);
    this.#from += rows.length;
    if (this.#from < part.total) return undefined;
    const whole = Buffer.concat(this.#parts);
    this.#begin('');
    return whole;
  }

  #begin(id: string): void {
    this.#id = id;
    this.#parts = [];
    this.#from = 0;
  }
}
