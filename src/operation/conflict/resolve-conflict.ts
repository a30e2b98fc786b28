import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { systemDatabase } from '../../model/table.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';

const conflict = z.object({
  schema: z.string(),
  table: z.string(),
  hash_value: z.union([z.string(), z.number()]),
  loser: z.object({ record: z.record(z.string(), z.unknown()).nullable() }),
});

/**
 * Settles a row of `system.hdb_conflicts`: `restore` writes what had lost again, as a new write of this node;
 * `dismiss` lets it go.
 */
export const resolveConflict = defineOperation({
  name: 'resolve_conflict',
  permission: 'super_user',
  request: z.object({ id: field.existingName, action: z.enum(['restore', 'dismiss']) }),
  response: messageAnswer,
  async run({ store, user }, { id, action }) {
    const conflicts = requireTable(store, systemDatabase, 'hdb_conflicts');
    const row = store.get(conflicts, id);
    if (row === undefined) throw new CodedError('not_found', `There is no conflict '${id}'`);
    const { schema, table: name, hash_value: key, loser } = conflict.parse(row);
    if (action === 'restore') {
      const table = requireTable(store, schema, name);
      const by = { user: user.username };
      if (loser.record === null) await store.delete({ table, keys: [key], ...by });
      else await store.write({ table, operation: 'upsert', documents: [loser.record], ...by });
    }
    await store.replaceSystemDocument('hdb_conflicts', id, null);
    const done = action === 'restore' ? 'restored' : 'dismissed';
    return `conflict '${id}' on '${schema}.${name}' ${done}`;
  },
});
