import * as z from 'zod';
import { systemDatabase } from '../../model/table.ts';
import { userAnswer } from './user-answer.ts';
import { defineOperation } from '../operation.ts';
import { allUsers, shownUser } from './user.ts';

/** All users with their roles. A role also tells what it may do with the tables of `system`, as clients expect. */
export const listUsers = defineOperation({
  name: 'list_users',
  refusalName: 'listUsersExternal',
  permission: 'super_user',
  request: z.object({}),
  response: z.array(userAnswer),
  run: ({ store }) =>
    allUsers(store).map((user) => {
      const tables = store.catalog
        .tables(systemDatabase)
        .map(({ name }) => [name, { ...noRights, read: user.isSuperUser }]);
      const system = { tables: Object.fromEntries(tables) as unknown };
      return shownUser({
        ...user,
        role: { ...user.role, permission: { ...user.role.permission, [systemDatabase]: system } },
      });
    }),
});

const noRights = { read: false, insert: false, update: false, delete: false, attribute_permissions: [] };
