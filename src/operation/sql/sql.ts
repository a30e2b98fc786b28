import * as z from 'zod';
import type { Key } from '../../model/change.ts';
import { CodedError } from '../../model/errors.ts';
import type { ConditionGroup } from '../../model/query.ts';
import type { Table } from '../../model/table.ts';
import { inTurns } from '../../runtime/pauses.ts';
import { matcherOf } from '../../store/search/matcher.ts';
import * as field from '../field.ts';
import { records as rows } from '../answer.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { commitDelete } from '../record/commit-delete.ts';
import { commitWrite } from '../record/commit-write.ts';
import { anyWriteAnswer, writeAnswer } from '../record/write-answer.ts';
import { conditionAttributes } from '../search/conditions.ts';
import { refuseUnknownAttributes } from '../search/unknown-attribute.ts';
import { requireTable } from '../table-lookup.ts';
import { select } from './select.ts';
import { parseStatement } from './statement.ts';

/** Their keys are held in memory until the commit. */
const maxChanged = 100_000;

/**
 * One statement of SQL in a limited form: what the store can search and write without a plan of its own. A name that is
 * a word of SQL, such as `default` or `limit`, stands in backticks.
 */
export const sql = defineOperation({
  name: 'sql',
  permission: 'super_user',
  request: z.object({ sql: z.string().min(1) }),
  response: z.union([rows, anyWriteAnswer]),
  async run(context, { sql: text }) {
    const statement = await parseStatement(text);
    const { database, table: name } = statement;
    const table = requireTable(context.store, database, name);
    switch (statement.kind) {
      case 'select':
        return select(context, table, statement);
      case 'insert': {
        const request = { schema: database, table: name, records: statement.records };
        const { written, skipped } = await commitWrite(context, request, 'insert');
        return writeAnswer('insert', written, skipped);
      }
      case 'update': {
        const keyName = table.primaryKey;
        if (Object.hasOwn(statement.set, keyName))
          throw new CodedError('invalid_request', `'${keyName}' is the primary key and cannot be set`);
        const keys = await keysOf(context, table, statement.where);
        const records = keys.map((key) => ({
          ...statement.set,
          [keyName]: key,
        }));
        const request = { schema: database, table: name, records };
        const { written, skipped } = await commitWrite(
          context,
          request,
          'update',
          matcherOf(statement.where),
        );
        return writeAnswer('update', written, skipped);
      }
      case 'delete': {
        const keys = await keysOf(context, table, statement.where);
        const { deleted, skipped } = await commitDelete(context, table, keys, matcherOf(statement.where));
        return writeAnswer('delete', deleted, skipped);
      }
    }
  },
});

/** Others write while these are found: whether WHERE still holds is asked again in the commit. */
async function keysOf(
  { store }: OperationContext,
  table: Table,
  where: ConditionGroup | undefined,
): Promise<readonly Key[]> {
  refuseUnknownAttributes(table, conditionAttributes(where?.conditions ?? []));
  const keys: Key[] = [];
  const found = store.searchWithPauses(table, where === undefined ? {} : { where });
  for await (const document of inTurns(found)) {
    const key = document[table.primaryKey];
    if (field.isKey(key)) keys.push(key);
    if (keys.length > maxChanged)
      throw new CodedError('too_large', `One statement may change ${maxChanged} records: narrow its WHERE`);
  }
  return keys;
}
