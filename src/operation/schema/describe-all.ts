import * as z from 'zod';
import { mayShape } from '../grants.ts';
import { defineOperation } from '../operation.ts';
import { databaseDescription, databaseAnswer } from './table-description.ts';

/** All databases but `system`; restricted users get what they have some right on. */
export const describeAll = defineOperation({
  name: 'describe_all',
  permission: 'any',
  request: z.object({}),
  response: z.record(z.string(), databaseAnswer),
  run({ store, user }) {
    const described = store.catalog
      .databases()
      .map((database) => [database, databaseDescription(store, database, user)] as const)
      .filter(([database, tables]) => mayShape(user, database) || Object.keys(tables).length > 0);
    return Object.fromEntries(described);
  },
});
