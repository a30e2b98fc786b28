import * as z from 'zod';
import * as field from '../field.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { tableDescription, tableAnswer } from './table-description.ts';

/** One table: its attributes, counts and sizes. */
export const describeTable = defineOperation({
  name: 'describe_table',
  permission: 'describe_table',
  request: z.object({ schema: field.database, table: field.existingName }),
  response: tableAnswer,
  run: ({ store, user }, { schema, table }) =>
    tableDescription(store, requireTable(store, schema, table), user),
});
