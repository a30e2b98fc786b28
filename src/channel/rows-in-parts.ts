import { CodedError } from '../model/errors.ts';
import { randomId } from '../model/random-id.ts';

/** A part of rows that are too much for one answer. */
export interface Part {
  /** Of the answer that is cut: as it was when its first part was given. */
  readonly id: string;
  /** Bytes of the whole that come before it. */
  readonly from: number;
  /** Bytes of the whole. */
  readonly total: number;
}

interface Kept<T> {
  readonly answer: T;
  usedAtMs: number;
}

/** Two of the largest records: no more of them in memory, whoever asks. */
const keptBytes = 128 << 20;
/** Nobody has asked for so long: what is kept makes room for others. What has been given to its end is kept no longer. */
const abandonedMs = 60_000;
/** And so long it is kept for one whose link was lost. */
const keptMs = 600_000;

/**
 * Cuts answers whose rows are more than twice what is asked for: a single record may be larger than a message can be, and
 * than a slow link should carry at a time. It keeps what it cuts, or a record that changes all the time would never come.
 */
export class CutAnswers<T extends { readonly rows: Uint8Array }> {
  readonly #steadyMs: () => number;
  readonly #kept = new Map<string, Kept<T>>();

  constructor(steadyMs: () => number) {
    this.#steadyMs = steadyMs;
  }

  /** The answer, or its first part. @throws CodedError `unavailable` while too many others are on their way */
  begin(answer: T, maxBytes: number): T & { readonly part?: Part } {
    this.#forget(keptMs);
    if (answer.rows.length <= 2 * maxBytes) return answer;
    if (!this.#hasRoom(answer)) this.#forget(abandonedMs);
    if (!this.#hasRoom(answer))
      throw new CodedError('unavailable', 'Large records are on their way to other nodes: ask again');
    const id = randomId(9);
    this.#kept.set(id, { answer, usedAtMs: this.#steadyMs() });
    return partOf(answer, id, 0, maxBytes);
  }

  /** The part that follows, also once more; undefined when there is none any more: the asker has to begin again. */
  next(
    asked: Pick<Part, 'id' | 'from'> | undefined,
    maxBytes: number,
  ): (T & { readonly part: Part }) | undefined {
    this.#forget(keptMs);
    const kept = asked && this.#kept.get(asked.id);
    if (!kept) return undefined;
    const isLast = asked.from + maxBytes >= kept.answer.rows.length;
    // The last part may be lost, and asked for again: until then it makes room as soon as others need it.
    kept.usedAtMs = this.#steadyMs() - (isLast ? keptMs - abandonedMs : 0);
    return partOf(kept.answer, asked.id, asked.from, maxBytes);
  }

  /** Of all that is kept. */
  get heldBytes(): number {
    return [...this.#kept.values()].reduce((sum, { answer }) => sum + answer.rows.length, 0);
  }

  /** What nobody will ask for any more goes, also where nobody asks for anything. */
  dropAbandoned(): void {
    this.#forget(keptMs);
  }

  #hasRoom({ rows }: T): boolean {
    const { heldBytes } = this;
    return heldBytes === 0 || heldBytes + rows.length <= keptBytes;
  }

  #forget(unusedMs: number): void {
    const oldestMs = this.#steadyMs() - unusedMs;
    for (const [id, { usedAtMs }] of this.#kept) if (usedAtMs < oldestMs) this.#kept.delete(id);
  }
}

function partOf<T extends { readonly rows: Uint8Array }>(
  answer: T,
  id: string,
  from: number,
  maxBytes: number,
): T & { readonly part: Part } {
  const { rows } = answer;
  return { ...answer, rows: rows.subarray(from, from + maxBytes), part: { id, from, total: rows.length } };
}

/** Joins rows that come in parts. */
export class RowsInParts {
  readonly #maxBytes: number;
  #id = '';
  #bytes = Buffer.alloc(0);
  #from = 0;

  /** @param maxBytes no more are taken, whatever the parts say */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What to ask for next; undefined where nothing has begun. */
  get next(): Pick<Part, 'id' | 'from'> | undefined {
    return this.#from > 0 ? { id: this.#id, from: this.#from } : undefined;
  }

  /** All of the rows; undefined until the last part has come. @throws CodedError `undecodable` for what is no part of rows */
  join(rows: Uint8Array, part: Part | undefined): Uint8Array | undefined {
    if (!part) {
      this.#begin('', 0);
      return rows;
    }
    if (rows.length === 0 || part.from + rows.length > part.total || part.total > this.#maxBytes)
      throw new CodedError(
        'undecodable',
        `A part of ${rows.length} bytes at ${part.from} of ${part.total}: rows of at most ${this.#maxBytes} are taken`,
      );
    if (part.id !== this.#id || part.total !== this.#bytes.length) this.#begin(part.id, part.total);
    // One that comes again, or none of ours.
    if (part.from !== this.#from) return undefined;
    this.#bytes.set(rows, part.from);
    this.#from += rows.length;
    if (this.#from < part.total) return undefined;
    const whole = this.#bytes;
    this.#begin('', 0);
    return whole;
  }

  #begin(id: string, total: number): void {
    this.#id = id;
    this.#bytes = Buffer.alloc(total);
    this.#from = 0;
  }
}
