import * as z from 'zod';
import type { Condition } from '../../model/query.ts';
import * as field from '../field.ts';
import { searchAnswer } from './search-answer.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { attributeNames } from './projection.ts';
import { answerSearch, pageFields, pageOf } from './search.ts';
import { searchNeed } from './search-need.ts';
import { sort, sortAttributes } from './sort.ts';
import { refuseUnknownAttributes } from './unknown-attribute.ts';

/** Records whose attribute has a value, or fits it when it begins or ends with `*`. */
export const searchByValue = defineOperation({
  name: 'search_by_value',
  permission: ({ schema, table, get_attributes: shown, attribute, sort: order }) => [
    searchNeed({ schema, table, shown, uses: [attribute, ...sortAttributes(order)] }),
  ],
  request: z.object({
    schema: field.database,
    table: field.existingName,
    attribute: field.existingName,
    value: z.unknown().superRefine((value, context) => {
      if (value === undefined) context.addIssue({ code: 'custom', message: 'is required' });
    }),
    get_attributes: attributeNames,
    sort: sort.optional(),
    ...pageFields,
  }),
  response: searchAnswer,
  run(context, request) {
    const { store } = context;
    const table = requireTable(store, request.schema, request.table);
    const condition = valueCondition(request.attribute, request.value);
    refuseUnknownAttributes(table, [request.attribute, ...sortAttributes(request.sort)]);
    return answerSearch(
      context,
      table,
      {
        ...(condition === undefined ? {} : { where: { operator: 'and', conditions: [condition] } }),
        ...(request.sort === undefined ? {} : { sort: request.sort }),
        ...pageOf(request),
      },
      request.get_attributes,
      request,
    );
  },
});

/**
 * A wildcard counts at the very ends only: `x*`, `*x`, `*x*`; a second one beside it is literal. Undefined: all.
 */
export function valueCondition(attribute: string, value: unknown): Condition | undefined {
  if (typeof value !== 'string') return { attribute, comparator: 'equals', value };
  const begins = isWildcard(value[0]);
  const ends = value.length > 1 && isWildcard(value.at(-1));
  if (!begins && !ends) return { attribute, comparator: 'equals', value };
  const text = value.slice(begins ? 1 : 0, ends ? -1 : undefined);
  if (text === '') return undefined;
  return { attribute, comparator: begins ? (ends ? 'contains' : 'ends_with') : 'starts_with', value: text };
}

function isWildcard(character: string | undefined): boolean {
  return character === '*' || character === '%';
}
