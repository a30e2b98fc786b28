import * as z from 'zod';
import * as field from '../field.ts';
import { defineOperation } from '../operation.ts';
import { requireDatabase } from '../table-lookup.ts';
import { databaseDescription, databaseAnswer } from './table-description.ts';

/** The tables of one database. */
export const describeDatabase = defineOperation({
  name: 'describe_database',
  aliases: ['describe_schema'],
  permission: 'describe_database',
  request: z.object({ schema: field.database }),
  response: databaseAnswer,
  run({ store, user }, { schema }) {
    requireDatabase(store, schema);
    return databaseDescription(store, schema, user);
  },
});
