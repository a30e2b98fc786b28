import { messageOf } from '../model/errors.ts';
import { systemDatabase } from '../model/table.ts';
import type { Logger } from '../runtime/logger.ts';
import { RunLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import type { Joined } from './join.ts';

export interface Route {
  readonly host: string;
  readonly port: number;
}

export interface RouteDiallerOptions {
  readonly store: Store;
  /** From the configuration; those of cluster_set_routes are in `system.hdb_routes`. */
  readonly routes: readonly Route[];
  readonly join: (route: Route) => Promise<Joined>;
  readonly onJoined: () => void;
  readonly log: Logger;
}

/** Finds out who listens at each route and makes it a peer, so that add_node can name it without an address. */
export class RouteDialler implements AsyncDisposable {
  readonly #options: RouteDiallerOptions;
  readonly #loop: RunLoop;

  constructor(options: RouteDiallerOptions) {
    this.#options = options;
    this.#loop = new RunLoop({ name: 'routes', body: () => this.#round(), idleMs: 2_000, log: options.log });
  }

  start(): void {
    this.#loop.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  async #round(): Promise<boolean> {
    const { store, log } = this.#options;
    const rows = store.nodes.all();
    for (const route of [...this.#options.routes, ...storedRoutes(store)]) {
      if (rows.some(({ host, port }) => host === route.host && port === route.port)) continue;
      try {
        await this.#joinRoute(route);
      } catch (error) {
        log.debug({ route, reason: messageOf(error) }, 'route cannot be joined yet');
      }
    }
    return false;
  }

  async #joinRoute(route: Route): Promise<void> {
    const { store, join, onJoined } = this.#options;
    const { name, nkey, certificate } = await join(route);
    if (name === store.nodeName || store.nodes.isUnreadable(name)) return;
    const version = await store.nodes.nextVersion();
    await store.nodes.update(name, (row) =>
      row?.removedVersion === undefined
        ? { ...(row ?? { name, subscriptions: [], addedVersion: version }), ...route, nkey, certificate }
        : undefined,
    );
    onJoined();
  }
}

/** Those of cluster_set_routes. */
export function storedRoutes(store: Store): Route[] {
  const table = store.catalog.table(systemDatabase, 'hdb_routes');
  if (!table) return [];
  return [...store.search(table, {})].flatMap(({ host, port }) =>
    typeof host === 'string' && typeof port === 'number' ? [{ host, port }] : [],
  );
}
