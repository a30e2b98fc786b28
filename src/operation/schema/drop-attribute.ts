import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { createdTime, updatedTime } from '../../model/table.ts';
import { knownNames } from '../../store/catalog.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { requireTable } from '../table-lookup.ts';

/** Hides an attribute and its values from every answer. */
export const dropAttribute = defineOperation({
  name: 'drop_attribute',
  refusalName: 'dropAttribute',
  permission: 'shape_tables',
  request: z.object({ schema: field.database, table: field.existingName, attribute: field.existingName }),
  response: messageAnswer,
  async run({ store }, { schema, table: name, attribute }) {
    refuseSystemDatabase(schema);
    const table = requireTable(store, schema, name);
    if (attribute === table.primaryKey) {
      throw new CodedError('invalid_request', 'You cannot drop a hash attribute');
    }
    if (attribute === createdTime || attribute === updatedTime) {
      throw new CodedError('invalid_request', `cannot drop internal timestamp attribute: ${attribute}`);
    }
    if (!knownNames(table).has(attribute)) {
      throw new CodedError(
        'attribute_missing',
        `Attribute '${attribute}' does not exist on '${schema}.${name}'`,
      );
    }
    await store.catalog.dropAttribute(schema, name, attribute);
    return `successfully deleted attribute '${attribute}'`;
  },
});
