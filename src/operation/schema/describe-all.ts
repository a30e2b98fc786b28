import { z } from 'zod';
import { defineOperation } from '../operation.ts';
import { databaseDescription } from './table-description.ts';

/** All databases but `system`; nothing for who may see nothing. */
export const describeAll = defineOperation({
  name: 'describe_all',
  permission: 'any',
  request: z.object({}),
  run({ store, user }) {
    if (!user.isSuperUser) return {};
    return Object.fromEntries(
      store.catalog.databases().map((database) => [database, databaseDescription(store, database)]),
    );
  },
});
