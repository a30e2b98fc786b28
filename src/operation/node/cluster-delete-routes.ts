import * as z from 'zod';
import { defineOperation } from '../operation.ts';
import { removeRoutes, route, routes } from './routes.ts';

/** Forgets addresses to dial. */
export const clusterDeleteRoutes = defineOperation({
  name: 'cluster_delete_routes',
  refusalName: 'clusterDeleteRoutes',
  permission: 'super_user',
  request: z.object({ routes: z.array(route) }),
  response: z.strictObject({ message: z.string(), deleted: routes, skipped: routes }),
  async run({ store, replication }, { routes }) {
    const { deleted, skipped } = await removeRoutes(store, routes);
    replication?.wake();
    return { message: 'cluster routes successfully deleted', deleted, skipped };
  },
});
