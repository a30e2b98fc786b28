import { z } from 'zod';
import * as field from '../field.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { tableDescription } from './table-description.ts';

/** One table: its attributes, counts and sizes. */
export const describeTable = defineOperation({
  name: 'describe_table',
  permission: 'describe',
  request: z.object({ schema: field.database, table: field.existingName }),
  run: ({ store }, { schema, table }) => tableDescription(store, requireTable(store, schema, table)),
});
