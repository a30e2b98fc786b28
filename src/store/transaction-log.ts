import type { Change, Document, Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { TransactionHeader, WriteOperation } from '../model/transaction.ts';
import { decodeChanges, decodeDocument } from '../model/transaction-codec.ts';
import type { ChangeLog } from './change-log.ts';

/** What one transaction put into a table, or what it deleted there, as read_transaction_log shows it. */
export interface LoggedTransaction {
  readonly operation: WriteOperation;
  readonly user: string | undefined;
  readonly timestampMs: number;
  /** After-images; absent for a delete. */
  readonly documents?: readonly Document[];
  readonly keys: readonly Key[];
}

/**
 * Transactions of one table in the order in which this node committed them; both ends of the range count. One that
 * puts and deletes is told twice, and counts so for the limit.
 */
export function* readTransactionLog(
  log: ChangeLog,
  table: Table,
  range: { readonly fromMs?: number; readonly toMs?: number; readonly limit?: number },
): Generator<LoggedTransaction> {
  let left = range.limit ?? Infinity;
  for (const { entry } of log.readChannel(table.id, log.head(table.id).trimmedSeq)) {
    if (left === 0) return;
    const timestampMs = entry.header.version / 1000;
    if (range.fromMs !== undefined && timestampMs < range.fromMs) continue;
    if (range.toMs !== undefined && timestampMs > range.toMs) continue;
    const part = entry.parts.find(({ tableId }) => tableId === table.id);
    if (!part) continue;
    const told = putsAndDeletes(entry.header, timestampMs, decodeChanges(part.changes)).slice(0, left);
    yield* told;
    left -= told.length;
  }
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
