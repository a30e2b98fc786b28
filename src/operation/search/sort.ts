import * as z from 'zod';
import type { Sort } from '../../model/query.ts';

/** `sort` of a request; `next` orders what the first attribute leaves equal. */
export const sort: z.ZodType<Sort> = z
  .strictObject({
    attribute: z.string(),
    descending: z.boolean().default(false),
    get next() {
      return sort.optional();
    },
  })
  .transform(({ attribute, descending, next }) => ({
    attribute,
    descending,
    ...(next === undefined ? {} : { next }),
  }));

/** The attributes that a sort names, first to last. */
export function sortAttributes(first: Sort | undefined): readonly string[] {
  const names: string[] = [];
  for (let current = first; current !== undefined; current = current.next) names.push(current.attribute);
  return names;
}
