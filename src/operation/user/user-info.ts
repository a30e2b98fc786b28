import { z } from 'zod';
import { createdTime, updatedTime } from '../../model/table.ts';
import { defineOperation } from '../operation.ts';

/** Who the caller is. */
export const userInfo = defineOperation({
  name: 'user_info',
  permission: 'any',
  request: z.object({}),
  run({ user }) {
    return {
      username: user.username,
      active: user.active,
      role: user.role,
      ...(user.createdTime === undefined ? {} : { [createdTime]: user.createdTime }),
      ...(user.updatedTime === undefined ? {} : { [updatedTime]: user.updatedTime }),
    };
  },
});
