import * as z from 'zod';
import { records } from '../answer.ts';

const page = z.strictObject({ records, cursor: z.string().nullable() });

const plan = z.strictObject({
  scanned: z.enum(['index', 'table']),
  index: z.string().nullable(),
  estimated_entries: z.number(),
  estimate_is_capped: z.boolean(),
  wanted_indexes: z.array(z.string()),
});

/** Records; with `cursor` a page of them; with `explain` what the search would do. */
export const searchAnswer = z.union([records, page, plan]);
