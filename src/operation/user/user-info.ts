import * as z from 'zod';
import { userAnswer } from './user-answer.ts';
import { defineOperation } from '../operation.ts';
import { shownUser } from './user.ts';

/** Who the caller is. */
export const userInfo = defineOperation({
  name: 'user_info',
  permission: 'any',
  request: z.object({}),
  response: userAnswer,
  run: ({ user }) => shownUser(user),
});
