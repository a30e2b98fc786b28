import type { Change, Document, Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { TransactionHeader, WriteOperation } from '../model/transaction.ts';
import { decodeChanges, decodeDocument } from '../model/transaction-codec.ts';
import { withPauses } from '../runtime/pauses.ts';
import type { ChangeLog, LogEntry } from './change-log.ts';

/** What one transaction put into a table, or what it deleted there, as read_transaction_log shows it. */
export interface LoggedTransaction {
  readonly operation: WriteOperation;
  readonly user: string | undefined;
  readonly timestampMs: number;
  /** After-images; absent for a delete. */
  readonly documents?: readonly Document[];
  readonly keys: readonly Key[];
}

export interface LogRange {
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly limit?: number;
}

/** What is read of the log in one go: no more is held, and nothing is trimmed meanwhile. */
const entriesAtOnce = 100;
const bytesAtOnce = 1024 * 1024;

/**
 * Transactions of one table in the order in which this node committed them, up to the newest of now; both ends of the
 * range count. One that puts and deletes is told twice, and counts so for the limit.
 */
export function readTransactionLog(
  log: ChangeLog,
  table: Table,
  range: LogRange,
): Generator<LoggedTransaction | undefined> {
  return withPauses(transactionsIn(log, table, range));
}

/** Undefined for an entry outside the range. Each is looked at: what a peer wrote long ago may have come last. */
function* transactionsIn(
  log: ChangeLog,
  table: Table,
  { fromMs = -Infinity, toMs = Infinity, limit = Infinity }: LogRange,
): Generator<LoggedTransaction | undefined> {
  const { headSeq, trimmedSeq } = log.head(table.id);
  let left = limit;
  let afterSeq = trimmedSeq;
  while (left > 0 && afterSeq < headSeq) {
    const stretch = stretchAfter(log, table, afterSeq);
    for (const { seq, entry } of stretch) {
      if (left <= 0 || seq > headSeq) return;
      const timestampMs = entry.header.version / 1000;
      const isInside = timestampMs >= fromMs && timestampMs <= toMs;
      const part = isInside ? entry.parts.find(({ tableId }) => tableId === table.id) : undefined;
      const told = part ? putsAndDeletes(entry.header, timestampMs, decodeChanges(part.changes)) : [];
      yield* told.length > 0 ? told.slice(0, left) : [undefined];
      left -= told.length;
    }
    afterSeq = stretch.at(-1)?.seq ?? headSeq;
  }
}

function stretchAfter(
  log: ChangeLog,
  table: Table,
  afterSeq: number,
): readonly { readonly seq: number; readonly entry: LogEntry }[] {
  const stretch: { readonly seq: number; readonly entry: LogEntry }[] = [];
  let bytes = 0;
  for (const item of log.readChannel(table.id, afterSeq)) {
    stretch.push(item);
    for (const { changes } of item.entry.parts) bytes += changes.length;
    if (stretch.length >= entriesAtOnce || bytes >= bytesAtOnce) break;
  }
  return stretch;
}

/** First what the transaction did first. */
function putsAndDeletes(
  { operation = 'upsert', user }: TransactionHeader,
  timestampMs: number,
  changes: readonly Change[],
): LoggedTransaction[] {
  const kinds = new Set(changes.map(({ bytes }) => bytes !== null));
  return [...kinds].map((isPut) => {
    const alike = changes.filter(({ bytes }) => (bytes !== null) === isPut);
    const common = { user, timestampMs, keys: alike.map(({ key }) => key) };
    if (!isPut) return { operation: 'delete', ...common };
    const documents = alike.flatMap(({ bytes }) => (bytes ? [decodeDocument(bytes)] : []));
    return { operation, ...common, documents };
  });
}
