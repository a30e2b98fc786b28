import * as z from 'zod';
import * as field from '../field.ts';
import { searchAnswer } from './search-answer.ts';
import { defineOperation } from '../operation.ts';
import { requireTable } from '../table-lookup.ts';
import { conditionAttributes, conditions, operator } from './conditions.ts';
import { attributeNames } from './projection.ts';
import { answerSearch, pageFields, pageOf } from './search.ts';
import { searchNeed } from './search-need.ts';
import { sort, sortAttributes } from './sort.ts';
import { refuseUnknownAttributes } from './unknown-attribute.ts';

/** Records that fit conditions, sorted and cut to a page. */
export const searchByConditions = defineOperation({
  name: 'search_by_conditions',
  permission: ({ schema, table, get_attributes: shown, conditions: list, sort: order }) => [
    searchNeed({ schema, table, shown, uses: [...conditionAttributes(list), ...sortAttributes(order)] }),
  ],
  request: z.object({
    schema: field.database,
    table: field.existingName,
    operator,
    conditions,
    get_attributes: attributeNames,
    sort: sort.optional(),
    ...pageFields,
  }),
  response: searchAnswer,
  run(context, request) {
    const { store } = context;
    const table = requireTable(store, request.schema, request.table);
    refuseUnknownAttributes(table, [
      ...conditionAttributes(request.conditions),
      ...sortAttributes(request.sort),
    ]);
    return answerSearch(
      context,
      table,
      {
        where: { operator: request.operator, conditions: request.conditions },
        ...(request.sort === undefined ? {} : { sort: request.sort }),
        ...pageOf(request),
      },
      request.get_attributes,
      request,
    );
  },
});
