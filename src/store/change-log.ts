import { CodedError } from '../model/errors.ts';
import type { OriginPlace, TransactionHeader } from '../model/transaction.ts';
import { decodeMessage, encodeMessage, headerOf, headerRow } from '../model/transaction-codec.ts';
import { decodePlace, encodePlace, type ChannelPlace } from './channel-place.ts';
import { readStoreState, readTableState, type Commit, type StoreState } from './commit.ts';
import type { Environment } from './environment.ts';
import type { TableState } from './table-state.ts';

/** Trimmed in one commit at most. */
const entriesAtOnce = 2_000;
/** As many as there are channels in a greeting. */
const maxTimesKept = 20_000;
const format = 1;

/** The changes of a transaction in one channel of this store. */
export interface LogPart {
  readonly tableId: number;
  readonly seq: number;
  readonly originPlace: OriginPlace;
  /** `encodeChanges` block. */
  readonly changes: Uint8Array;
}

export interface LogEntry {
  readonly position: number;
  readonly header: TransactionHeader;
  readonly committedAtMs: number;
  readonly parts: readonly LogPart[];
}

/** What a new entry says of one table; the log gives it the next number of that channel. */
export interface NewPart {
  readonly tableId: number;
  /** Where the transaction began; absent when it begins here. */
  readonly originPlace?: OriginPlace;
  readonly incarnation: string;
  readonly changes: Uint8Array;
}

/**
 * Every transaction committed in this store, in commit order, and the dense numbers of each channel over it.
 *
 * Trimmed from the old end; a channel remembers the number and id of the last entry it lost, so a cursor
 * that stands exactly there can still be served.
 */
export class ChangeLog {
  readonly #environment: Environment;
  /** By position, those last asked for: greetings and answers tell the same of entries that may be very large again and again. */
  readonly #times = new Map<number, { readonly id: string; readonly ms: number }>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Inside a commit: appends one transaction and numbers it in each of its channels. */
  append(commit: Commit, header: TransactionHeader, parts: readonly NewPart[]): LogEntry {
    const { log, channels } = this.#environment.trees;
    commit.state.position += 1;
    const position = commit.state.position;
    const numbered = parts.map((part): LogPart => {
      const state = commit.table(part.tableId);
      state.headSeq += 1;
      state.headId = header.id;
      const before = { channel: state.channelBytes, log: commit.state.appendedBytes };
      channels.putSync([part.tableId, state.headSeq], encodePlace(position, header.id, before));
      state.channelBytes += part.changes.length;
      return {
        tableId: part.tableId,
        seq: state.headSeq,
        originPlace: part.originPlace ?? { incarnation: part.incarnation, seq: state.headSeq },
        changes: part.changes,
      };
    });
    const entry: LogEntry = { position, header, committedAtMs: commit.nowMs, parts: numbered };
    const value = encodeEntry(entry);
    commit.state.logBytes += value.length;
    commit.state.appendedBytes += value.length;
    log.putSync(position, value);
    return entry;
  }

  at(position: number): LogEntry | undefined {
    const value = this.#environment.trees.log.get(position);
    return value ? decodeEntry(position, value) : undefined;
  }

  /** The newest and the last trimmed number of a channel, with their ids. */
  head(
    tableId: number,
  ): Pick<TableState, 'headSeq' | 'headId' | 'trimmedSeq' | 'trimmedId' | 'channelBytes'> {
    return readTableState(this.#environment, tableId);
  }

  /** Where a channel's transaction `seq` is; undefined when it was trimmed or never existed. */
  place(tableId: number, seq: number): ChannelPlace | undefined {
    const value = this.#environment.trees.channels.get([tableId, seq]);
    return value && decodePlace(value);
  }

  /** The first entry at or after a position. */
  from(position: number): LogEntry | undefined {
    for (const { key, value } of this.#environment.trees.log.getRange({ start: position, limit: 1 }))
      return decodeEntry(Number(key), value);
    return undefined;
  }

  /** Sizes and end of the log as a whole. */
  totals(): Pick<StoreState, 'position' | 'logBytes' | 'appendedBytes'> {
    const { position, logBytes, appendedBytes } = readStoreState(this.#environment);
    return { position, logBytes, appendedBytes };
  }

  /** Id of a channel's transaction `seq`; undefined when it was trimmed or never existed. '' before the first. */
  idAt(tableId: number, seq: number): string | undefined {
    const state = readTableState(this.#environment, tableId);
    if (seq === state.trimmedSeq) return state.trimmedId;
    return this.place(tableId, seq)?.id;
  }

  /** Entries of a channel after `seq`, in order, with their number; ends at the head of the current snapshot. */
  *readChannel(
    tableId: number,
    afterSeq: number,
  ): Generator<{ readonly seq: number; readonly entry: LogEntry }> {
    for (const { key, value } of this.#environment.trees.channels.getRange({
      start: [tableId, afterSeq + 1],
      end: [tableId + 1],
    })) {
      const seq = Number((key as [number, number])[1]);
      const entry = this.at(decodePlace(value).position);
      if (!entry)
        throw new CodedError('undecodable', `Log entry of channel number ${seq} is missing from the store`);
      yield { seq, entry };
    }
  }

  /** When the transaction `seq` of a channel was committed here, ms since 1970. */
  committedAt(tableId: number, seq: number): number | undefined {
    const place = this.place(tableId, seq);
    if (!place) return undefined;
    const { position, id } = place;
    const kept = this.#times.get(position);
    // A commit that is rolled back leaves its position to another transaction.
    if (kept?.id === id) return kept.ms;
    const ms = this.at(position)?.committedAtMs;
    if (ms !== undefined) this.#keepTime(position, { id, ms });
    return ms;
  }

  /** Number of the first transaction of a channel that was committed here at or after a moment; the next one when none was. */
  firstSince(tableId: number, ms: number): number {
    const { headSeq, trimmedSeq } = this.head(tableId);
    let low = trimmedSeq + 1;
    let high = headSeq + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((this.committedAt(tableId, middle) ?? 0) < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Inside a commit: a channel forgets its numbers up to `seq`; entries that no channel needs go. Returns how many went. */
  trimChannel(commit: Commit, tableId: number, upToSeq: number, isEnough: () => boolean): number {
    const { channels } = this.#environment.trees;
    const state = commit.table(tableId);
    const range = {
      start: [tableId, state.trimmedSeq + 1],
      end: [tableId, upToSeq + 1],
      limit: entriesAtOnce,
    };
    let trimmed = 0;
    for (const { key, value } of [...channels.getRange(range)]) {
      if (trimmed > 0 && isEnough()) break;
      const place = decodePlace(value);
      channels.removeSync(key);
      this.#forgetPart(commit, place.position, tableId);
      state.trimmedSeq = Number((key as [number, number])[1]);
      state.trimmedId = place.id;
      trimmed += 1;
    }
    return trimmed;
  }

  /** Whether the old end is due: over `maxBytes`, or older than `olderThanMs`. */
  isOver(olderThanMs: number, maxBytes: number): boolean {
    if (readStoreState(this.#environment).logBytes > maxBytes) return true;
    const oldest = this.from(0);
    return oldest !== undefined && oldest.committedAtMs < olderThanMs;
  }

  /**
   * Inside a commit: drops entries from the old end while they are older than `olderThanMs` or the log is
   * over `maxBytes`, up to the first that `mayDrop` refuses.
   */
  trimOldest(
    commit: Commit,
    {
      olderThanMs,
      maxBytes,
      isEnough,
      mayDrop,
    }: {
      readonly olderThanMs: number;
      readonly maxBytes: number;
      readonly isEnough: () => boolean;
      readonly mayDrop: (entry: LogEntry) => boolean;
    },
  ): number {
    let trimmed = 0;
    for (const { key, value } of this.#environment.trees.log.getRange({ limit: entriesAtOnce })) {
      if (trimmed > 0 && isEnough()) break;
      const entry = decodeEntry(Number(key), value);
      if (entry.committedAtMs >= olderThanMs && commit.state.logBytes <= maxBytes) break;
      if (!mayDrop(entry)) break;
      for (const part of entry.parts) {
        const state = commit.table(part.tableId);
        this.#environment.trees.channels.removeSync([part.tableId, part.seq]);
        state.trimmedSeq = part.seq;
        state.trimmedId = entry.header.id;
      }
      this.#remove(commit, entry.position, value.length);
      trimmed += 1;
    }
    return trimmed;
  }

  #keepTime(position: number, time: { readonly id: string; readonly ms: number }): void {
    const [oldest] = this.#times.keys();
    if (oldest !== undefined && this.#times.size >= maxTimesKept) this.#times.delete(oldest);
    this.#times.set(position, time);
  }

  #forgetPart(commit: Commit, position: number, tableId: number): void {
    const value = this.#environment.trees.log.get(position);
    if (!value) return;
    const entry = decodeEntry(position, value);
    const left = entry.parts.filter((part) => part.tableId !== tableId);
    this.#remove(commit, position, value.length);
    if (left.length === 0) return;
    const shorter = encodeEntry({ ...entry, parts: left });
    this.#environment.trees.log.putSync(position, shorter);
    commit.state.logBytes += shorter.length;
  }

  #remove(commit: Commit, position: number, bytes: number): void {
    this.#environment.trees.log.removeSync(position);
    commit.state.logBytes = Math.max(0, commit.state.logBytes - bytes);
  }
}

function encodeEntry(entry: LogEntry): Buffer {
  return encodeMessage([
    format,
    headerRow(entry.header),
    entry.committedAtMs,
    entry.parts.map((part) => [
      part.tableId,
      part.seq,
      part.originPlace.incarnation,
      part.originPlace.seq,
      part.changes,
    ]),
  ]);
}

function decodeEntry(position: number, value: Buffer): LogEntry {
  const [entryFormat, header, committedAtMs, parts] = decodeMessage(value) as [
    number,
    unknown,
    number,
    [number, number, string, number, Uint8Array][],
  ];
  if (entryFormat !== format)
    throw new CodedError('undecodable', `Log format ${entryFormat} is not known here`);
  return {
    position,
    header: headerOf(header),
    committedAtMs,
    parts: parts.map(([tableId, seq, incarnation, originSeq, changes]) => ({
      tableId,
      seq,
      originPlace: { incarnation, seq: originSeq },
      changes,
    })),
  };
}
