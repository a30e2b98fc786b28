import * as z from 'zod';
import { defineOperation } from '../operation.ts';
import { addRoutes, route, routeServer, routes } from './routes.ts';

/** Adds addresses to dial; those that are known are skipped. They are used at once. */
export const clusterSetRoutes = defineOperation({
  name: 'cluster_set_routes',
  refusalName: 'clusterSetRoutes',
  permission: 'super_user',
  request: z.object({ server: routeServer, routes: z.array(route) }),
  response: z.strictObject({ message: z.string(), set: routes, skipped: routes }),
  async run({ store, replication }, { server, routes }) {
    const { set, skipped } = await addRoutes(store, server, routes);
    replication?.wake();
    return { message: 'cluster routes successfully set', set, skipped };
  },
});
