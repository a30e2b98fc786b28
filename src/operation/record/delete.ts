import * as z from 'zod';
import type { Key } from '../../model/change.ts';
import * as field from '../field.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { commitDelete } from './commit-delete.ts';
import { writeAnswer, writeAnswers } from './write-answer.ts';

const key = z.custom<Key>(field.isKey, 'must be a string or a number').meta({ type: ['string', 'number'] });

/** The body of delete. */
export const deleteRequest = z.object({
  schema: field.databaseOfWrite,
  table: field.tableOfWrite,
  hash_values: z.array(key),
});

/** Deletes records by key; unknown keys are skipped. */
export const deleteRecords = defineOperation({
  name: 'delete',
  permission: 'delete',
  request: deleteRequest,
  response: writeAnswers.delete,
  async run(context, { schema, table: name, hash_values: keys }) {
    const table = requireTable(context.store, schema, name);
    const { deleted, skipped } = await commitDelete(context, table, keys);
    return writeAnswer('delete', deleted, skipped);
  },
});
