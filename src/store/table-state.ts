import { decodeMessage, encodeMessage } from '../model/transaction-codec.ts';

/** Counters of one table and its channel in this store, written by each commit that touches the table. */
export interface TableState {
  /** Newest channelSeq and its transaction id; 0 and '' before the first. */
  headSeq: number;
  headId: string;
  /** Newest channelSeq whose log entry is gone, and its id. */
  trimmedSeq: number;
  trimmedId: string;
  records: number;
  tombstones: number;
  /** Bytes of documents and tombstones. */
  bytes: number;
  /** Highest version among the rows. */
  lastVersion: number;
  /** Conflicts noted so far. */
  conflicts: number;
  /** Bytes of changes ever appended to the channel. */
  channelBytes: number;
}

export function emptyTableState(): TableState {
  return {
    headSeq: 0,
    headId: '',
    trimmedSeq: 0,
    trimmedId: '',
    records: 0,
    tombstones: 0,
    bytes: 0,
    lastVersion: 0,
    conflicts: 0,
    channelBytes: 0,
  };
}

export function encodeTableState(state: TableState): Buffer {
  return encodeMessage([
    state.headSeq,
    state.headId,
    state.trimmedSeq,
    state.trimmedId,
    state.records,
    state.tombstones,
    state.bytes,
    state.lastVersion,
    state.conflicts,
    state.channelBytes,
  ]);
}

export function decodeTableState(value: Buffer): TableState {
  const [headSeq, headId, trimmedSeq, trimmedId, ...counts] = decodeMessage(value) as [
    number,
    string,
    number,
    string,
    ...number[],
  ];
  // What was not counted yet when the state was written begins at 0.
  const [records = 0, tombstones = 0, bytes = 0, lastVersion = 0, conflicts = 0, channelBytes = 0] = counts;
  return {
    headSeq,
    headId,
    trimmedSeq,
    trimmedId,
    records,
    // With the records it says how many rows there are: a copy of fewer than none is refused, and none passes for empty.
    tombstones: Math.max(0, tombstones),
    bytes,
    lastVersion,
    conflicts,
    channelBytes,
  };
}

export interface TableStatistics {
  readonly records: number;
  readonly tombstones: number;
  readonly lastUpdatedMs: number;
  readonly sizeBytes: number;
  readonly databaseSizeBytes: number;
  readonly logSizeBytes: number;
  /** Noted so far. */
  readonly conflicts: number;
}
