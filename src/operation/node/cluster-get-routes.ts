import * as z from 'zod';
import { defineOperation } from '../operation.ts';
import { readRoutes, routes } from './routes.ts';

/** The addresses to dial that operations have set. */
export const clusterGetRoutes = defineOperation({
  name: 'cluster_get_routes',
  refusalName: 'clusterGetRoutes',
  permission: 'super_user',
  request: z.object({}),
  response: z.strictObject({ hub: routes, leaf: routes }),
  run: ({ store }) => ({ hub: readRoutes(store, 'hub'), leaf: readRoutes(store, 'leaf') }),
});
