import * as z from 'zod';
import { timestamps } from '../answer.ts';
import { roleAnswer } from '../role/role.ts';

/** A user as answers show it. */
export const userAnswer = z.strictObject({
  username: z.string(),
  active: z.boolean(),
  role: roleAnswer,
  ...timestamps,
});
