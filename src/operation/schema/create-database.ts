import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { systemDatabase } from '../../model/table.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseCaseTwin } from './case-twin.ts';

/** Creates an empty database. */
export const createDatabase = defineOperation({
  name: 'create_database',
  aliases: ['create_schema'],
  refusalName: 'createSchema',
  permission: 'shape_databases',
  request: z.object({ schema: field.newName.default(field.defaultDatabase) }),
  response: messageAnswer,
  async run({ store }, { schema }) {
    if (store.catalog.hasDatabase(schema)) {
      throw new CodedError('database_exists', `database '${schema}' already exists`);
    }
    refuseCaseTwin('database', schema, [...store.catalog.databases(), systemDatabase]);
    await store.catalog.createDatabase(schema);
    return `database '${schema}' successfully created`;
  },
});
