import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { createdTime, systemDatabase, updatedTime } from '../../model/table.ts';
import * as field from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseSystemDatabase } from '../permission.ts';
import { refuseCaseTwin } from './case-twin.ts';

const attribute = z.preprocess(
  // Describes call the name `attribute`; a list copied from there is understood.
  (value) =>
    field.isDocument(value) && value['name'] === undefined ? { ...value, name: value['attribute'] } : value,
  z.object({
    name: field.newName,
    indexed: z.boolean().default(false),
    type: z.string().optional(),
    is_primary_key: z.boolean().default(false),
  }),
);

/** Creates a table, and its database when that is missing. Declared attributes make it schema-defined. */
export const createTable = defineOperation({
  name: 'create_table',
  refusalName: 'createTable',
  permission: 'shape_tables',
  request: z
    .object({
      schema: field.newName.default(field.defaultDatabase),
      table: field.newName,
      primary_key: field.newName.optional(),
      attributes: z.array(attribute).optional(),
      expiration: z
        .unknown()
        .refine(
          (seconds) => seconds === undefined || seconds === null,
          'is not supported: leave it out, and remove old records with delete_records_before',
        )
        .meta({ not: {} })
        .optional(),
    })
    .transform((request, context) => {
      const marked = (request.attributes ?? []).filter((declared) => declared.is_primary_key);
      const primaryKey = request.primary_key ?? marked[0]?.name;
      const other = marked.find(({ name }) => name !== primaryKey);
      if (primaryKey !== undefined && other === undefined) return { ...request, primaryKey };
      const message =
        primaryKey === undefined || other === undefined
          ? 'is required'
          : `is '${primaryKey}', and 'attributes' marks '${other.name}' with is_primary_key: a table has one`;
      context.addIssue({ code: 'custom', path: ['primary_key'], message });
      return z.NEVER;
    }),
  response: messageAnswer,
  async run({ store }, { schema, table, primaryKey, attributes }) {
    refuseSystemDatabase(schema);
    if (attributes === undefined && (primaryKey === createdTime || primaryKey === updatedTime)) {
      throw new CodedError(
        'invalid_request',
        `'primary_key' cannot be ${primaryKey}, where the time of each record is kept: choose another name, or declare the 'attributes'`,
      );
    }
    if (store.catalog.table(schema, table) !== undefined) {
      throw new CodedError('table_exists', `Table '${table}' already exists in '${schema}'`);
    }
    const names = new Set<string>();
    const twice = attributes?.find(({ name }) => names.size === names.add(name).size);
    if (twice !== undefined) {
      throw new CodedError('invalid_request', `'attributes' names '${twice.name}' more than once`);
    }
    refuseCaseTwin('database', schema, [...store.catalog.databases(), systemDatabase]);
    refuseCaseTwin(
      'table',
      table,
      store.catalog.tables(schema).map(({ name }) => name),
    );
    await store.catalog.createTable({
      database: schema,
      name: table,
      primaryKey,
      ...(attributes === undefined
        ? {}
        : {
            schemaDefined: true,
            attributes: attributes.map(({ name, indexed, type }) => ({
              name,
              indexed,
              ...(type === undefined ? {} : { type }),
            })),
          }),
    });
    return `table '${schema}.${table}' successfully created.`;
  },
});
