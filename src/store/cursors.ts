import type { Key } from '../model/change.ts';
import { randomId } from '../model/random-id.ts';
import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';
import type { Environment } from './environment.ts';
import type { OriginPlace } from '../model/transaction.ts';
import type { Mark } from './marks.ts';

/** How far this store has applied a channel of a peer, and in which of its histories. */
export interface Cursor {
  /** Incarnation of the peer's table. */
  readonly incarnation: string;
  /** channelSeq last applied, and the id of that transaction ('' for 0). */
  readonly seq: number;
  readonly id: string;
  /** Present while the rows that existed before are being copied. */
  readonly copy: CopyProgress | undefined;
  /** Versions up to here were left out, as the start time of the subscription said; 0 where absent. */
  readonly newerThan?: number | undefined;
  /** Present after a copy, or behind a hole, until the table is compared with the publisher's. */
  readonly unproven?: Unproven | undefined;
}

/** Why the place alone does not prove that the table here holds what the publisher's does. */
export interface Unproven {
  /** Of the copy, or of the newest hole: a comparison that began before proves nothing of it. */
  readonly id: string;
  /**
   * Something that the place has passed is in quarantine. What comes behind it is merged as rows, not under its own
   * number, for marks say that nothing is missing.
   */
  readonly hole?: boolean | undefined;
  /**
   * The log overtook it, and what was applied at the publisher meanwhile may be missing: its marks at the place, in force
   * once compared. Absent when the copy met rows that were here before.
   */
  readonly overtaken?: readonly Mark[] | undefined;
}

export interface CopyProgress {
  readonly id: string;
  /** Last key whose page is applied; undefined before the first page. */
  readonly afterKey: Key | undefined;
  readonly rows: number;
  readonly total: number;
  /** Wall clock, ms since 1970: when it would have begun had nobody been waited for. */
  readonly startedAtMs: number;
  /** How long pages had been coming when the newest was applied, which was so long after `startedAtMs`. */
  readonly activeMs?: number | undefined;
  /** The publisher's marks when the copy began: in force here once it is complete. */
  readonly marks: readonly Mark[];
  /** What the copy will leave to be compared. */
  readonly unproven?: Unproven | undefined;
}

/** Place of each subscription, per (store id of the peer, local table): gone with either. */
export class Cursors {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get(storeId: string, tableId: number): Cursor | undefined {
    const value = this.#environment.trees.cursors.get([tableId, storeId]);
    return value && decode(value);
  }

  /** Whether a subscription of a table here is behind a gap, see {@link isBehindGap}; also one to what a peer was before. */
  areBehindGap(tableId: number): boolean {
    for (const { value } of this.#environment.trees.cursors.getRange({
      start: [tableId],
      end: [tableId + 1],
    }))
      if (isBehindGap(decode(value))) return true;
    return false;
  }

  /** Inside a commit. */
  put(storeId: string, tableId: number, cursor: Cursor): void {
    this.#environment.trees.cursors.putSync([tableId, storeId], encode(cursor));
  }

  /** Inside a commit: ends a subscription; the next one copies. */
  remove(storeId: string, tableId: number): void {
    this.#environment.trees.cursors.removeSync([tableId, storeId]);
  }

  /** Inside a commit. */
  removeTable(tableId: number): void {
    for (const key of [...this.#environment.trees.cursors.getKeys({ start: [tableId], end: [tableId + 1] })])
      this.#environment.trees.cursors.removeSync(key);
  }
}

/** The same place, or copy, with something behind it that is missing. */
export function withHole<T extends Pick<Cursor, 'unproven'>>(place: T): T {
  return { ...place, unproven: { ...place.unproven, id: randomId(9), hole: true } };
}

/** Behind an overtaken copy: what has been followed since is known, too, once the table is compared. */
export function withFollowed(cursor: Cursor, storeId: string, place: OriginPlace): Cursor {
  const { unproven } = cursor;
  if (!unproven?.overtaken) return cursor;
  const isOfIt = (mark: Mark): boolean =>
    mark.storeId === storeId && mark.place.incarnation === place.incarnation;
  const known = unproven.overtaken.find(isOfIt);
  if (known && known.place.seq >= place.seq) return cursor;
  const others = unproven.overtaken.filter((mark) => !isOfIt(mark));
  return { ...cursor, unproven: { ...unproven, overtaken: [...others, { ...known, storeId, place }] } };
}

/** Whether nobody has moved the one since it was the other. */
export function isSamePlace(one: Cursor | undefined, other: Cursor | undefined): boolean {
  return (
    one?.incarnation === other?.incarnation &&
    one?.seq === other?.seq &&
    one?.id === other?.id &&
    one?.copy?.id === other?.copy?.id
  );
}

/** Something before the place may be missing: in quarantine, or behind a copy that the log had overtaken. */
export function isBehindGap(cursor: Cursor | undefined): boolean {
  return cursor?.unproven?.hole === true || cursor?.unproven?.overtaken !== undefined;
}

/** A copy is complete, and what it left to be compared was. */
export function isProven(cursor: Cursor | undefined): boolean {
  return cursor !== undefined && !cursor.copy && !cursor.unproven;
}

/**
 * Whether an earlier start time has left out what has to be copied now.
 *
 * @param newerThan what the one in force leaves out; not asked for where nothing was left out
 */
export function hasLeftOut(cursor: Cursor | undefined, newerThan: () => number): boolean {
  const leftOut = cursor?.newerThan ?? 0;
  return leftOut > 0 && leftOut > newerThan();
}

function encode({ incarnation, seq, id, copy, unproven, newerThan = 0 }: Cursor): Buffer {
  const more = newerThan > 0 ? [unproven ?? null, newerThan] : unproven ? [unproven] : [];
  const row = [incarnation, seq, id, copy ?? null, ...more];
  return encodeMessage(row);
}

/** Undefined when the row cannot be read: no place at all leads to a copy, a wrong one to a loss. */
function decode(value: Buffer): Cursor | undefined {
  let row: unknown;
  try {
    row = decodeMessage(value);
  } catch {
    return undefined;
  }
  if (!isStoredCursor(row)) return undefined;
  const [incarnation, seq, id, copy, unproven, newerThan] = row;
  return {
    incarnation,
    seq,
    id,
    copy: copy ? { ...copy, afterKey: copy.afterKey ?? undefined } : undefined,
    ...(unproven ? { unproven } : {}),
    ...(newerThan === undefined ? {} : { newerThan }),
  };
}

type StoredCursor = readonly [
  incarnation: string,
  seq: number,
  id: string,
  copy: CopyProgress | null,
  unproven?: Unproven | null,
  newerThan?: number,
];

function isStoredCursor(row: unknown): row is StoredCursor {
  if (!Array.isArray(row)) return false;
  const [incarnation, seq, id, copy, unproven, newerThan] = row as unknown[];
  return (
    typeof incarnation === 'string' &&
    isCount(seq) &&
    typeof id === 'string' &&
    (copy === null || isCopyProgress(copy)) &&
    (unproven === null || isOptional(isUnproven, unproven)) &&
    isOptional(isCount, newerThan)
  );
}

function isCopyProgress(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { id, afterKey, rows, total, startedAtMs, activeMs, marks, unproven } = value;
  return (
    typeof id === 'string' &&
    (afterKey === undefined || afterKey === null || ['string', 'number'].includes(typeof afterKey)) &&
    isCount(rows) &&
    isCount(total) &&
    typeof startedAtMs === 'number' &&
    isOptional(isCount, activeMs) &&
    areMarks(marks) &&
    isOptional(isUnproven, unproven)
  );
}

function isUnproven(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { id, hole, overtaken } = value;
  return (
    typeof id === 'string' &&
    (hole === undefined || typeof hole === 'boolean') &&
    isOptional(areMarks, overtaken)
  );
}

function areMarks(value: unknown): boolean {
  return Array.isArray(value) && value.every((mark) => isMark(mark));
}

function isMark(value: unknown): boolean {
  if (!isObject(value) || typeof value['storeId'] !== 'string') return false;
  const { place, held } = value;
  const isPlace = isObject(place) && typeof place['incarnation'] === 'string' && isCount(place['seq']);
  return (
    isPlace &&
    isOptional(
      (versions) => isObject(versions) && isCount(versions['after']) && isCount(versions['upTo']),
      held,
    )
  );
}

function isOptional(is: (value: unknown) => boolean, value: unknown): boolean {
  return value === undefined || is(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
