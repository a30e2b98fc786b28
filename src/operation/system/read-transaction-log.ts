import * as z from 'zod';
import type { Pausing } from '../../runtime/pauses.ts';
import type { LoggedTransaction } from '../../store/transaction-log.ts';
import { keys, records } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import * as field from '../field.ts';
import { Rows } from '../rows.ts';
import { requireTable } from '../table-lookup.ts';

/** The transactions of a table that the change log still holds, oldest first. */
export const readTransactionLog = defineOperation({
  name: 'read_transaction_log',
  refusalName: 'readTransactionLog',
  permission: 'super_user',
  request: z.object({
    schema: field.database,
    table: field.existingName,
    from: z.number().min(0).optional(),
    to: z.number().min(0).optional(),
    limit: z.int().min(1).optional(),
  }),
  response: z.array(
    z.strictObject({
      operation: z.string(),
      user: z.string().nullable(),
      timestamp: z.number(),
      records: records.optional(),
      hash_values: keys.optional(),
    }),
  ),
  run({ store }, { schema, table: name, from, to, limit }) {
    const table = requireTable(store, schema, name);
    // Tables of `system` are not logged, and their rows must not get out this way if they ever are.
    if (table.local) return [];
    const transactions = store.transactionLog(table, {
      ...(from === undefined ? {} : { fromMs: from }),
      ...(to === undefined ? {} : { toMs: to }),
      ...(limit === undefined ? {} : { limit }),
    });
    return new Rows(['operation', 'user', 'timestamp', 'records', 'hash_values'], shown(transactions));
  },
});

function* shown(transactions: Pausing<LoggedTransaction>): Generator<object | undefined> {
  for (const transaction of transactions) {
    if (transaction === undefined) {
      yield undefined;
      continue;
    }
    const { operation, user, timestampMs, documents, keys } = transaction;
    yield {
      operation,
      user: user ?? null,
      timestamp: timestampMs,
      ...(documents === undefined ? { hash_values: keys } : { records: documents }),
    };
  }
}
