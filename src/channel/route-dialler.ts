import { messageOf } from '../model/errors.ts';
import { systemDatabase } from '../model/table.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
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
  /** `addedVersion` is that of the row of the node which is looked for there. */
  readonly join: (route: Route, addedVersion: number | undefined) => Promise<Joined>;
  /** Whether a node is connected, whoever dialled. */
  readonly isAlive: (node: string) => boolean;
  readonly onJoined: () => void;
  readonly steadyMs: () => number;
  readonly makeLoop: MakeLoop;
  readonly log: Logger;
}

/** Nobody was made a peer there, and why. */
export interface RouteFailure {
  readonly route: Route;
  readonly reason: string;
}

/** Where a route has led. */
interface Destination {
  readonly node: string;
  /** When the node was connected, or this route was tried, last. */
  atMs: number;
}

/** How long a node that has an address is away before it is looked for at another one. */
const failOverMs = 30_000;
/** Between two looks whether a route that leads here still does. */
const ownAddressMs = 600_000;

/**
 * Finds out who listens at each route and makes it a peer, so that add_node can name it without an address.
 *
 * A node keeps the address that it has; another route that leads to it takes over once the node has been away for a while,
 * and then stays. Where routes lead is known in memory only: after a start each is joined once.
 */
export class RouteDialler implements AsyncDisposable {
  readonly #options: RouteDiallerOptions;
  readonly #loop: Loop;
  readonly #destinations = new Map<string, Destination>();
  readonly #failures = new Map<string, RouteFailure>();

  constructor(options: RouteDiallerOptions) {
    this.#options = options;
    const { makeLoop, log } = options;
    this.#loop = makeLoop({ name: 'routes', body: () => this.#round(), idleMs: 2_000, log });
  }

  start(): void {
    this.#loop.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }

  /** Routes that lead to nobody yet, or no more. */
  get failures(): readonly RouteFailure[] {
    return [...this.#failures.values()];
  }

  async #round(): Promise<boolean> {
    const { store } = this.#options;
    const rows = store.nodes.all();
    const routes = [...this.#options.routes, ...storedRoutes(store)];
    const keys = new Set(routes.map(keyOf));
    for (const key of this.#failures.keys()) if (!keys.has(key)) this.#failures.delete(key);
    for (const route of routes) {
      const isAddress = rows.some(({ host, port }) => host === route.host && port === route.port);
      if (isAddress) this.#failures.delete(keyOf(route));
      if (isAddress || !this.#isDue(route)) continue;
      try {
        await this.#joinRoute(route);
        this.#failures.delete(keyOf(route));
      } catch (error) {
        this.#failures.set(keyOf(route), { route, reason: messageOf(error) });
      }
    }
    return false;
  }

  /** Whether there is something to find out at a route, or something to win. */
  #isDue(route: Route): boolean {
    const { store, isAlive, steadyMs } = this.#options;
    const known = this.#destinations.get(keyOf(route));
    if (!known) return true;
    const { node } = known;
    if (store.nodes.isUnreadable(node)) return false;
    // An address may come to be another's; and nobody has proven that it is ours.
    if (node === store.nodeName) return steadyMs() - known.atMs >= ownAddressMs;
    const row = store.nodes.get(node);
    if (row?.removedVersion !== undefined) return false;
    if (row?.host === undefined) return true;
    if (isAlive(node)) {
      known.atMs = steadyMs();
      // Nobody needs it now.
      this.#failures.delete(keyOf(route));
    }
    if (steadyMs() - known.atMs < failOverMs) return false;
    known.atMs = steadyMs();
    return true;
  }

  async #joinRoute(route: Route): Promise<void> {
    const { store, join, onJoined, steadyMs, log } = this.#options;
    const destination = this.#destinations.get(keyOf(route));
    const wanted = destination && store.nodes.knownNamed(destination.node);
    const { name, nkey, certificate } = await join(route, wanted?.addedVersion);
    this.#destinations.set(keyOf(route), { node: name, atMs: steadyMs() });
    if (name === store.nodeName && destination?.node !== name)
      log.info({ route }, 'route leads to this node itself');
    if (name === store.nodeName || store.nodes.isUnreadable(name)) return;
    const version = await store.nodes.nextVersion();
    const row = await store.nodes.update(name, (row) => {
      if (row?.removedVersion !== undefined || (row?.host !== undefined && wanted?.name !== name))
        return undefined;
      return { ...(row ?? { name, subscriptions: [], addedVersion: version }), ...route, nkey, certificate };
    });
    if (row) onJoined();
  }
}

function keyOf({ host, port }: Route): string {
  return `${host}:${port}`;
}

/** Those of cluster_set_routes. */
export function storedRoutes(store: Store): Route[] {
  const table = store.catalog.table(systemDatabase, 'hdb_routes');
  if (!table) return [];
  return [...store.search(table, {})].flatMap(({ host, port }) =>
    typeof host === 'string' && typeof port === 'number' ? [{ host, port }] : [],
  );
}
