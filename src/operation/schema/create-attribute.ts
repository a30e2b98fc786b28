import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { knownNames } from '../../store/catalog.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';

/** Declares an attribute before a record brings it, and has it indexed. */
export const createAttribute = defineOperation({
  name: 'create_attribute',
  refusalName: 'createAttribute',
  permission: ({ schema, table, attribute }) => [
    { database: schema, table, rights: ['insert'], attributes: [attribute] },
  ],
  request: z.object({
    schema: field.database,
    table: field.existingName,
    attribute: field.newName,
    indexed: z.boolean().default(true),
  }),
  response: messageAnswer,
  async run({ store }, { schema, table: name, attribute, indexed }) {
    refuseSystemDatabase(schema);
    const table = requireTable(store, schema, name);
    if (knownNames(table).has(attribute)) {
      throw new CodedError(
        'attribute_exists',
        `attribute '${attribute}' already exists in ${schema}.${name}`,
      );
    }
    await store.catalog.createAttribute(schema, name, { name: attribute, indexed });
    return `attribute '${schema}.${name}.${attribute}' successfully created.`;
  },
});
