import * as z from 'zod';
import { defineOperation } from '../operation.ts';
import { allRoles, roleAnswer } from './role.ts';

/** All roles. */
export const listRoles = defineOperation({
  name: 'list_roles',
  refusalName: 'listRoles',
  permission: 'super_user',
  request: z.object({}),
  response: z.array(roleAnswer),
  run: ({ store }) => allRoles(store),
});
