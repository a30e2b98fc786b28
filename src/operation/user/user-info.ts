import { z } from 'zod';
import { defineOperation } from '../operation.ts';
import { shownUser } from './user.ts';

/** Who the caller is. */
export const userInfo = defineOperation({
  name: 'user_info',
  permission: 'any',
  request: z.object({}),
  run: ({ user }) => shownUser(user),
});
