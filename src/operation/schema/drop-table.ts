import * as z from 'zod';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';

/** Removes a table on this node only; peers keep theirs. */
export const dropTable = defineOperation({
  name: 'drop_table',
  refusalName: 'dropTable',
  permission: 'shape_tables',
  request: z.object({
    schema: field.database,
    table: field.existingName,
    replicated: field.notReplicated.optional(),
  }),
  response: messageAnswer,
  async run({ store, replication }, { schema, table }) {
    refuseSystemDatabase(schema);
    requireTable(store, schema, table);
    await store.catalog.dropTable(schema, table);
    replication?.wake();
    return `successfully deleted table '${schema}.${table}'`;
  },
});
