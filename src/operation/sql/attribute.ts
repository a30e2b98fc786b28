import * as z from 'zod';
import { parentheses } from './literal.ts';

/** The name of an attribute alone: not of a named table, and in the one order that texts have here. */
export const attribute = z
  .strictObject({
    type: z.literal('column_ref'),
    table: z.null(),
    column: z.string(),
    collate: z.null().optional(),
    parentheses,
  })
  .transform(({ column }) => column);
