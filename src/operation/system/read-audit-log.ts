import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { inTurns, type Pausing } from '../../runtime/pauses.ts';
import type { LoggedTransaction } from '../../store/transaction-log.ts';
import { keys, records } from '../answer.ts';
import * as field from '../field.ts';
import { isoDateMs } from '../iso-date.ts';
import { defineOperation } from '../operation.ts';
import { Rows } from '../rows.ts';
import { requireTable } from '../table-lookup.ts';
import { requireAuditLog } from './audit-log.ts';

const auditEntry = z
  .strictObject({
    operation: z.string(),
    user_name: z.string().nullable(),
    timestamp: z.number(),
    hash_values: keys.readonly(),
    records: records.readonly().optional(),
  })
  .readonly();

type AuditEntry = z.infer<typeof auditEntry>;

/** Entries under one key or user that a request without `limit` gets. */
const standardLimit = 1_000;

/** Who has written what to a table, as long as the change log holds it, oldest first. */
export const readAuditLog = defineOperation({
  name: 'read_audit_log',
  refusalName: 'readAuditLog',
  permission: 'super_user',
  request: z.object({
    schema: field.refusedWithout(z.string()),
    table: field.refusedWithout(z.string()),
    // The canonical name of `search_type`.
    comparator: z.enum(['hash_value', 'timestamp', 'username']).optional(),
    search_values: z.array(z.union([z.string(), z.number()])).default([]),
    limit: z.int().min(1).optional(),
  }),
  response: z.union([z.array(auditEntry), z.record(z.string(), z.array(auditEntry))]),
  run({ store, node }, { schema, table: name, comparator, search_values: values, limit }) {
    requireAuditLog(node);
    if (schema === undefined) throw new CodedError('invalid_request', 'database is required');
    if (name === undefined) throw new CodedError('invalid_request', 'table is required');
    const table = requireTable(store, schema, name);
    if (table.local) return [];
    switch (comparator) {
      case 'hash_value':
        return grouped(store.transactionLog(table, {}), values, limit, ({ keys }) => keys);
      case 'username':
        return grouped(store.transactionLog(table, {}), values, limit, ({ user }) => [user ?? '']);
      case 'timestamp':
      case undefined: {
        const [fromMs, toMs] = values.map(timeMs);
        const range = {
          ...(fromMs === undefined ? {} : { fromMs }),
          ...(toMs === undefined ? {} : { toMs }),
          ...(limit === undefined ? {} : { limit }),
        };
        const columns = ['operation', 'user_name', 'timestamp', 'hash_values', 'records'];
        return new Rows(columns, entriesOf(store.transactionLog(table, range)));
      }
    }
  },
});

function timeMs(value: string | number): number {
  const isNumber = typeof value === 'number' || /^\d+(\.\d+)?$/.test(value);
  const ms = isNumber ? Number(value) : isoDateMs(value);
  if (ms !== undefined && (ms >= 0 || !isNumber)) return ms;
  throw new CodedError(
    'invalid_request',
    "'search_values' must be times: numbers of ms since 1970, or in ISO-8601 format (YYYY-MM-DD)",
  );
}

/** What was asked for, each with its entries: `{"318": [...]}`. */
async function grouped(
  transactions: Pausing<LoggedTransaction>,
  values: readonly (string | number)[],
  limit = standardLimit,
  namesOf: (transaction: LoggedTransaction) => readonly (string | number)[],
): Promise<Readonly<Record<string, readonly AuditEntry[]>>> {
  const found = new Map(values.map((value): [string, AuditEntry[]] => [String(value), []]));
  let wanted = found.size * limit;
  if (wanted === 0) return {};
  for await (const transaction of inTurns(transactions)) {
    for (const name of new Set(namesOf(transaction).map(String))) {
      const entries = found.get(name);
      if (entries === undefined || entries.length === limit) continue;
      entries.push(entryOf(transaction));
      wanted -= 1;
    }
    if (wanted === 0) break;
  }
  return Object.fromEntries(found);
}

function* entriesOf(transactions: Pausing<LoggedTransaction>): Generator<AuditEntry | undefined> {
  for (const transaction of transactions) yield transaction && entryOf(transaction);
}

function entryOf({ operation, user, timestampMs, documents, keys }: LoggedTransaction): AuditEntry {
  return {
    operation,
    user_name: user ?? null,
    timestamp: timestampMs,
    hash_values: keys,
    ...(documents === undefined ? {} : { records: documents }),
  };
}
