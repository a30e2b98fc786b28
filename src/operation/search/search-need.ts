import type { Need } from '../permission.ts';

/**
 * What a search needs: to read every attribute that it shows or `uses` in a condition or an order. A filter on
 * an attribute tells its values as surely as the answer would. A shown `*` is narrowed instead.
 */
export function searchNeed(request: {
  readonly schema: string;
  readonly table: string;
  readonly shown: readonly string[] | undefined;
  readonly uses: readonly string[];
}): Need {
  const { schema, table, shown = [], uses } = request;
  return {
    database: schema,
    table,
    rights: ['read'],
    attributes: [...shown.filter((name) => name !== '*'), ...uses],
  };
}
