import * as z from 'zod';
import type { Route } from '../../config/config.ts';
import { dialUrl } from '../../model/dial-address.ts';
import type { Store } from '../../store/store.ts';
import { findSystemTable, openSystemTable } from '../system-table.ts';
import { defaultPort, host } from './address.ts';

export type RouteServer = 'hub' | 'leaf';

export const routes = z.array(z.strictObject({ host: z.string(), port: z.number() }));

const routesTable = 'hdb_routes';

const routeRow = z.object({ server: z.enum(['hub', 'leaf']), host: z.string(), port: z.number() });

/** A route of a request: `{host|hostname, port}`, a URL, or `host:port`; the port of all nodes where it says none. */
export const route = z.preprocess(
  (value) => {
    if (typeof value === 'string') return dialUrl(value) ?? dialUrl(`wss://${value}`) ?? { host: value };
    if (typeof value !== 'object' || value === null || !('hostname' in value)) return value;
    return { host: value.hostname, ...value };
  },
  z.object({ host, port: z.int().min(1).max(65_535).default(defaultPort) }),
);

export const routeServer = z.enum(['hub', 'leaf']).default('hub');

/**
 * The stored routes. They are rows `{id, server, host, port}` of `system.hdb_routes`, a table that is created
 * with the first route.
 */
export function readRoutes(store: Store, server: RouteServer): readonly Route[] {
  const table = findSystemTable(store, routesTable);
  if (table === undefined) return [];
  const routes: Route[] = [];
  for (const document of store.search(table, {})) {
    const row = routeRow.safeParse(document);
    if (row.success && row.data.server === server) routes.push({ host: row.data.host, port: row.data.port });
  }
  return routes;
}

/** Stores those that are not there yet and returns them apart from the others. */
export async function addRoutes(
  store: Store,
  server: RouteServer,
  routes: readonly Route[],
): Promise<{ readonly set: readonly Route[]; readonly skipped: readonly Route[] }> {
  const table = await openSystemTable(store, routesTable);
  const documents = routes.map((one) => ({ id: routeId(server, one), server, ...one }));
  if (documents.length === 0) return { set: [], skipped: [] };
  const { written } = await store.write({ table, operation: 'insert', documents });
  // One that the request names twice is there the second time.
  const left = new Set(written);
  const [set, skipped] = partition(routes, (one) => left.delete(routeId(server, one)));
  return { set, skipped };
}

/** Deletes the routes of either server and returns which were there. */
export async function removeRoutes(
  store: Store,
  routes: readonly Route[],
): Promise<{ readonly deleted: readonly Route[]; readonly skipped: readonly Route[] }> {
  const table = await openSystemTable(store, routesTable);
  const keys = routes.flatMap((one) => [routeId('hub', one), routeId('leaf', one)]);
  const result = await store.delete({ table, keys });
  const left = new Set(result.deleted);
  const [deleted, skipped] = partition(routes, (one) =>
    [routeId('hub', one), routeId('leaf', one)].map((id) => left.delete(id)).includes(true),
  );
  return { deleted, skipped };
}

function routeId(server: RouteServer, { host, port }: Route): string {
  return `${server}:${host}:${port}`;
}

/** Asks of each item once, in order. */
function partition<T>(
  items: readonly T[],
  belongs: (item: T) => boolean,
): readonly [readonly T[], readonly T[]] {
  const those: T[] = [];
  const others: T[] = [];
  for (const item of items) (belongs(item) ? those : others).push(item);
  return [those, others];
}
