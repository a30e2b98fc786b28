import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireDatabase } from '../table-lookup.ts';

/** Removes a database with its tables, on this node only. */
export const dropDatabase = defineOperation({
  name: 'drop_database',
  aliases: ['drop_schema'],
  refusalName: 'dropSchema',
  permission: 'shape_databases',
  request: z.object({
    schema: field.refusedWithout(field.existingName),
    replicated: field.notReplicated.optional(),
  }),
  response: messageAnswer,
  async run({ store, replication }, { schema }) {
    if (schema === undefined) throw new CodedError('invalid_request', "'database' is required");
    refuseSystemDatabase(schema);
    requireDatabase(store, schema);
    await store.catalog.dropDatabase(schema);
    replication?.wake();
    return `successfully deleted '${schema}'`;
  },
});
