import { messageOf } from '../model/errors.ts';
import type { Route } from '../config/config.ts';
import { systemDatabase } from '../model/table.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Loop, MakeLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import { foundByRoute, type Joined, type Sought } from './join.ts';

export interface RouteDiallerOptions {
  readonly store: Store;
  /** From the configuration; those of cluster_set_routes are in `system.hdb_routes`. */
  readonly routes: readonly Route[];
  /** Undefined where the node there is none to join. */
  readonly join: (route: Route, sought: Sought, signal: AbortSignal) => Promise<Joined | undefined>;
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

/** Joins that are under way. */
const atOnce = 32;
/** How long a node that has an address is away before it is looked for at another one. */
const failOverMs = 30_000;
/** Between two looks whether a route that leads here, or to a node that is not to be joined, still does. */
const leftAloneMs = 600_000;

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
    this.#loop = makeLoop({ name: 'routes', body: (signal) => this.#round(signal), idleMs: 2_000, log });
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

  /** Many at a time: each that leads nowhere is waited for as long as a join may take. */
  async #round(signal: AbortSignal): Promise<boolean> {
    const { store } = this.#options;
    const rows = store.nodes.all();
    const routes = new Map(
      [...this.#options.routes, ...storedRoutes(store)].map((route) => [keyOf(route), route]),
    );
    for (const key of this.#failures.keys()) if (!routes.has(key)) this.#failures.delete(key);
    const due = [...routes.values()].filter((route) => {
      const isAddress = rows.some(({ host, port }) => host === route.host && port === route.port);
      if (isAddress) this.#failures.delete(keyOf(route));
      return !isAddress && this.#isDue(route);
    });
    // What has led nowhere before keeps no other waiting.
    const hasFailed = (route: Route): number => (this.#failures.has(keyOf(route)) ? 1 : 0);
    const left = due.toSorted((a, b) => hasFailed(a) - hasFailed(b)).values();
    const joinOneByOne = async (): Promise<void> => {
      for (const route of left) await this.#try(route, signal);
    };
    await Promise.all(Array.from({ length: atOnce }, joinOneByOne));
    return false;
  }

  async #try(route: Route, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    try {
      await this.#joinRoute(route, signal);
      this.#failures.delete(keyOf(route));
    } catch (error) {
      if (!signal.aborted) this.#failures.set(keyOf(route), { route, reason: messageOf(error) });
    }
  }

  /** Whether there is something to find out at a route, or something to win. */
  #isDue(route: Route): boolean {
    const { store, isAlive, steadyMs } = this.#options;
    const known = this.#destinations.get(keyOf(route));
    if (!known) return true;
    const { node } = known;
    // An address may come to be another's; and nobody has proven that it is this one's.
    if (node === store.nodeName || this.#versionFor(node) === undefined)
      return steadyMs() - known.atMs >= leftAloneMs;
    const row = store.nodes.get(node);
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

  async #joinRoute(route: Route, signal: AbortSignal): Promise<void> {
    const { store, join, onJoined, steadyMs, log } = this.#options;
    const before = this.#destinations.get(keyOf(route))?.node;
    const away = before === undefined ? undefined : store.nodes.get(before);
    let found = '';
    const sought: Sought = {
      addedVersion: (before === undefined ? undefined : this.#versionFor(before)) ?? foundByRoute,
      versionFor: (node) => this.#versionFor((found = node)),
    };
    const joined = await join(route, sought, signal);
    const name = joined?.name ?? found;
    this.#destinations.set(keyOf(route), { node: name, atMs: steadyMs() });
    if (name === store.nodeName && before !== name) log.info({ route }, 'route leads to this node itself');
    if (!joined) log.info({ route, node: name }, 'route leads to no node that may be joined');
    if (!joined || name === store.nodeName) return;
    const { nkey, certificate } = joined;
    const row = await store.nodes.update(name, (row) => {
      // Whoever has given it another address meanwhile means that one.
      const isAway = before === name && row?.host === away?.host && row?.port === away?.port;
      if (this.#versionFor(name) === undefined || (row?.host !== undefined && !isAway)) return undefined;
      // Nobody has decided anything: whoever removes it does so later.
      return { ...(row ?? { name, subscriptions: [], addedVersion: 0 }), ...route, nkey, certificate };
    });
    if (row) onJoined();
  }

  /** What the node of that name is told of when it was added; undefined where it is not to be joined. */
  #versionFor(name: string): number | undefined {
    const { nodes } = this.#options.store;
    const row = nodes.get(name);
    if (nodes.isUnreadable(name) || row?.removedVersion !== undefined) return undefined;
    return row?.addedVersion ?? foundByRoute;
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
