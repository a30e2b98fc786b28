import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import type { Table } from '../../model/table.ts';
import { withPauses } from '../../runtime/pauses.ts';
import type { Store } from '../../store/store.ts';
import * as field from '../field.ts';
import { readableAttributes } from '../grants.ts';
import { records } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { Rows } from '../rows.ts';
import { columnsOf, projection } from './projection.ts';
import { searchNeed } from './search-need.ts';

/** What is no list is told in {@link readArrays}. */
const attributeTexts = z
  .unknown()
  .superRefine((names, context) => {
    if (!Array.isArray(names)) return;
    for (const [index, name] of names.entries()) {
      if (typeof name !== 'string' && typeof name !== 'number')
        context.addIssue({ code: 'custom', path: [index], message: 'must be a string' });
    }
  })
  .meta({ type: 'array', items: { type: 'string' } });

/** Records by key, in the order of the keys; misses are omitted. */
export const searchById = defineOperation({
  name: 'search_by_id',
  aliases: ['search_by_hash'],
  permission: ({ schema, table, get_attributes: names }) => [
    searchNeed({ schema, table, shown: Array.isArray(names) ? names.map(String) : [], uses: [] }),
  ],
  request: z.object({
    schema: field.database,
    table: field.existingName,
    hash_values: field.anyKeys,
    get_attributes: attributeTexts.optional(),
  }),
  response: records,
  run({ store, user }, request) {
    const { keys, attributes } = readArrays(request.hash_values, request.get_attributes);
    const table = requireTable(store, request.schema, request.table);
    const readable = readableAttributes(user, table);
    const project = projection(table, attributes, readable);
    return new Rows(
      columnsOf(table, attributes, readable),
      store.whileThere(table, withPauses(recordsOf(store, table, keys, project))),
    );
  },
});

function* recordsOf(
  store: Store,
  table: Table,
  keys: readonly unknown[],
  project: ReturnType<typeof projection>,
): Generator<object | undefined> {
  for (const key of keys) {
    const document = field.isKey(key) ? store.get(table, key) : undefined;
    yield document && project(document);
  }
}

/** These two checks answer 500, unlike all others: clients know them so. */
function readArrays(
  keys: unknown,
  attributes: unknown,
): { readonly keys: readonly unknown[]; readonly attributes: readonly string[] | undefined } {
  if (keys === undefined) throw new CodedError('invalid_request', "'hash_values' is required");
  const problems: string[] = [];
  if (!Array.isArray(keys)) problems.push("'hash_values' must be an array");
  if (attributes !== undefined && !Array.isArray(attributes))
    problems.push("'get_attributes' must be an array");
  if (problems.length > 0) throw new CodedError('invalid_request_legacy_500', problems.join('. '));
  return {
    keys: Array.isArray(keys) ? keys : [],
    attributes: Array.isArray(attributes) ? attributes.map(String) : undefined,
  };
}
