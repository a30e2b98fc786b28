import type { Document, Key } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import type { WriteOperation } from '../model/transaction.ts';
import { decodeChanges, decodeDocument } from '../model/transaction-codec.ts';
import type { ChangeLog } from './change-log.ts';

/** One transaction of a table, as read_transaction_log shows it. */
export interface LoggedTransaction {
  readonly operation: WriteOperation;
  readonly user: string | undefined;
  readonly timestampMs: number;
  /** After-images; absent for a delete. */
  readonly documents?: readonly Document[];
  readonly keys: readonly Key[];
}

/** Transactions of one table in the order in which this node committed them; both ends of the range count. */
export function* readTransactionLog(
  log: ChangeLog,
  table: Table,
  range: { readonly fromMs?: number; readonly toMs?: number; readonly limit?: number },
): Generator<LoggedTransaction> {
  let found = 0;
  for (const { entry } of log.readChannel(table.id, log.head(table.id).trimmedSeq)) {
    if (range.limit !== undefined && found >= range.limit) return;
    const timestampMs = entry.header.version / 1000;
    if (range.fromMs !== undefined && timestampMs < range.fromMs) continue;
    if (range.toMs !== undefined && timestampMs > range.toMs) continue;
    const part = entry.parts.find(({ tableId }) => tableId === table.id);
    if (!part) continue;
    const changes = decodeChanges(part.changes);
    const documents = changes.flatMap(({ bytes }) => (bytes ? [decodeDocument(bytes)] : []));
    const common = { user: entry.header.user, timestampMs, keys: changes.map(({ key }) => key) };
    found += 1;
    if (documents.length > 0) yield { operation: entry.header.operation ?? 'upsert', ...common, documents };
    else yield { operation: 'delete', ...common };
  }
}
