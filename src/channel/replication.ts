import { channelName } from '../model/channel-name.ts';
import type { Route } from '../config/config.ts';
import { messageOf } from '../model/errors.ts';
import type { NodeRow } from '../model/node.ts';
import type {
  ConnectOutcome,
  NetworkNode,
  ReplicationControl,
  ReplicationStatus,
  VerifiedTable,
} from '../model/replication-control.ts';
import type { Logger } from '../runtime/logger.ts';
import { isSoon } from '../runtime/is-soon.ts';
import { runLoop, RunLoop } from '../runtime/run-loop.ts';
import type { Store } from '../store/store.ts';
import type { NodeKeys } from '../stream/node-keys.ts';
import type { Proofs } from './agreement.ts';
import { compareTable } from './compare-table.ts';
import { ChannelServer } from './channel-server.ts';
import { maxBatchBytes } from './message-size.ts';
import { Greeter } from './greeter.ts';
import { Greetings } from './greetings.ts';
import { Joining } from './joining.ts';
import type { LinkState } from './link-state.ts';
import { greetingMs, Link } from './link.ts';
import { LocalServer } from './local-server.ts';
import { PeerSession } from './peer-session.ts';
import { PeerSessions } from './peer-sessions.ts';
import { PeerUsers } from './peer-users.ts';
import { hello as helloSchema, type Hello } from './hello.ts';
import { Publishers } from './publishers.ts';
import { ReplicationReport } from './replication-report.ts';
import { RouteDialler } from './route-dialler.ts';
import { answerService } from './services.ts';
import { noStreams } from './stream-directory.ts';

export interface ReplicationOptions {
  readonly store: Store;
  readonly keys: NodeKeys;
  /** The cluster user, by which nodes join each other. */
  readonly user: string;
  readonly password: string;
  /** By both of them. */
  readonly proofs: Proofs;
  /** Where this node's own nats-server listens, and where its configuration is. */
  readonly server: { readonly host: string; readonly port: number; readonly directory: string };
  readonly apiPort: number;
  readonly version: string;
  readonly routes: readonly Route[];
  readonly relayWaitMs: number;
  /** From the end of one comparison of a channel with its publisher to the beginning of the next. */
  readonly verifyIntervalMs: number;
  readonly maxClockSkewMs: number;
  readonly maxTransactionBytes: number;
  readonly streamLimits: { readonly maxBytes: number; readonly maxAgeMs: number };
  readonly log: Logger;
}

const noAnswerYet = { kind: 'unreachable', reason: 'no answer yet' } as const;

/** Two more would be due meanwhile. */
const greetingPatience = { timeoutMs: greetingMs * 2.5 };

/** A peer that was removed need not hear of it. */
const farewellMs = 5_000;

/**
 * Replication of one node: makes what runs (links, sessions, publishers, users of nats-server) fit the rows
 * of `system.hdb_nodes`, and answers the peers. All of its state that must last is in the store.
 */
export class Replication implements ReplicationControl, AsyncDisposable {
  readonly #options: ReplicationOptions;
  readonly #sessions: PeerSessions<Link>;
  readonly #publishers: Publishers;
  readonly #local: LocalServer;
  readonly #users: PeerUsers;
  readonly #joining: Joining;
  readonly #greeter: Greeter;
  readonly #greetings: Greetings;
  readonly #server: ChannelServer;
  readonly #pushServer: ChannelServer;
  readonly #routes: RouteDialler;
  readonly #loop: RunLoop;
  readonly #report: ReplicationReport;
  #syncing: Promise<void> = Promise.resolve();

  constructor(options: ReplicationOptions) {
    this.#options = options;
    const { store, log } = options;
    const rows = (): readonly NodeRow[] => store.nodes.known();
    this.#sessions = new PeerSessions({ rows, make: (row) => this.#makeSession(row) });
    this.#publishers = new Publishers({
      store,
      streams: () => this.#local.streams,
      rows,
      toldCursors: (channel) => this.#sessions.toldCursors(channel),
      limits: options.streamLimits,
      maxMessageBytes: maxBatchBytes,
      makeLoop: runLoop,
      log,
    });
    const serving = { store, maxBatchBytes, steadyMs: () => performance.now() };
    this.#server = new ChannelServer({ ...serving, streams: this.#publishers });
    this.#pushServer = new ChannelServer({ ...serving, streams: noStreams });
    this.#greeter = new Greeter({
      ...options,
      now: Date.now,
      session: (peer) => this.#sessions.get(peer),
      live: () => this.#sessions.alive,
    });
    this.#greetings = new Greetings({
      greeter: this.#greeter,
      session: (peer) => this.#sessions.get(peer),
      steadyMs: () => performance.now(),
      onChange: () => this.#loop.wake(),
    });
    this.#joining = new Joining({
      ...options,
      isAlive: (peer) => this.#sessions.isAlive(peer),
      onChange: () => this.#loop.wake(),
      sync: () => this.#sync(),
    });
    this.#local = new LocalServer({
      keys: options.keys,
      server: options.server,
      log,
      onConnected: () => this.wake(),
      answer: (peer, service, body) =>
        answerService(
          { peer, service, body },
          {
            store,
            server: this.#server,
            join: this.#joining.server,
            session: (name) => this.#sessions.get(name),
            greeted: (name, message) => this.#greetings.greeted(name, message),
            node: () => this.#describe(),
          },
        ),
    });
    this.#users = new PeerUsers({ ...options, local: this.#local });
    this.#routes = new RouteDialler({
      store,
      routes: options.routes,
      join: (route, sought, signal) => this.#joining.join({ ...route, ...sought, timeoutMs: 3_000, signal }),
      isAlive: (node) => this.#sessions.isAlive(node),
      onJoined: () => this.wake(),
      steadyMs: () => performance.now(),
      makeLoop: runLoop,
      log,
    });
    this.#loop = new RunLoop({ name: 'membership', body: () => this.#round(), idleMs: 1_000, log });
    this.#report = new ReplicationReport({
      ...options,
      isServerUp: () => this.#local.connection !== undefined,
      peers: () => rows().flatMap(({ name }) => this.#sessions.get(name)?.status() ?? []),
      routeFailures: () => this.#routes.failures,
    });
  }

  start(): void {
    this.#local.start();
    this.#loop.start();
    this.#routes.start();
    this.#report.start();
  }

  async status(): Promise<ReplicationStatus> {
    return this.#report.status();
  }

  async connect(node: string, timeoutMs: number): Promise<ConnectOutcome> {
    try {
      await this.#sync();
    } catch (error) {
      return { kind: 'unreachable', reason: messageOf(error) };
    }
    const session = this.#sessions.get(node);
    const { link } = session ?? {};
    if (!session) return { kind: 'unreachable', reason: `${node} is not a known node` };
    if (!link)
      return session.isAlive
        ? { kind: 'connected' }
        : { kind: 'unreachable', reason: `no address of ${node} is known` };
    const hasTried = await link.hasTried(timeoutMs);
    return hasTried || link.isOpen ? outcomeOf(link.state) : noAnswerYet;
  }

  async arePeersInForce(timeoutMs: number): Promise<boolean> {
    this.wake();
    return isSoon(() => this.#users.areInForce, timeoutMs);
  }

  async network(timeoutMs: number): Promise<readonly NetworkNode[]> {
    const peers = [...this.#sessions.values()].map(async (session): Promise<NetworkNode> => {
      const known = {
        name: session.name,
        connectedNodes: session.hello?.links ?? [],
        routes: session.hello?.routes ?? [],
      };
      const { link } = session;
      if (!link?.isOpen) return known;
      const startedMs = performance.now();
      const isAnswered = await link
        .request('nodes', {}, helloSchema, { timeoutMs, signal: AbortSignal.timeout(timeoutMs) })
        .then(
          () => true,
          () => false,
        );
      return isAnswered ? { ...known, responseTimeMs: performance.now() - startedMs } : known;
    });
    const own = this.#describe();
    return [
      { name: own.name, responseTimeMs: 0, connectedNodes: own.links, routes: own.routes },
      ...(await Promise.all(peers)),
    ];
  }

  async verify(
    database: string,
    table: string,
    node: string | undefined,
    timeoutMs: number,
  ): Promise<readonly VerifiedTable[]> {
    const channel = channelName(database, table);
    const { nodes, nodeName } = this.#options.store;
    const sharing = nodes
      .known()
      .filter(
        ({ name, subscriptions }) =>
          (node === undefined || name === node) &&
          subscriptions.some((candidate) => candidate.database === database && candidate.table === table),
      );
    const sessions = sharing.flatMap(({ name }) => this.#sessions.get(name) ?? []);
    return Promise.all(sessions.map((session) => compareTable(session, nodeName, channel, timeoutMs)));
  }

  async purge(database: string, table: string): Promise<void> {
    this.#publishers.reconcile(channelName(database, table));
  }

  wake(): void {
    this.#loop.wake();
    this.#publishers.wake();
    this.#sessions.wake();
  }

  /** Something was committed in this store, by either process. */
  committed(): void {
    this.#publishers.committed();
    this.#sessions.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#report[Symbol.asyncDispose]();
    await this.#routes[Symbol.asyncDispose]();
    await this.#loop[Symbol.asyncDispose]();
    await this.#local[Symbol.asyncDispose]();
    await Promise.all([...this.#sessions.values()].map((session) => session[Symbol.asyncDispose]()));
    await this.#publishers[Symbol.asyncDispose]();
  }

  async #round(): Promise<boolean> {
    for (const server of [this.#server, this.#pushServer]) server.dropAbandoned();
    await this.#sync();
    return false;
  }

  /** One at a time; a call during another waits for one that begins after it. */
  async #sync(): Promise<void> {
    const turn = this.#syncing.then(() => this.#apply());
    this.#syncing = turn.catch(() => undefined);
    return turn;
  }

  async #apply(): Promise<void> {
    const rows = this.#options.store.nodes.known();
    const gone = this.#sessions.release(rows);
    try {
      // Before all that waits for a peer: how long one that was removed may read on is not up to it.
      await this.#users.enforce();
    } finally {
      // Also if that fails, for nobody else knows of them any more. All at once: those who stay wait for it.
      await Promise.all(gone.map((session) => this.#part(session)));
    }
    await this.#sessions.update(rows);
    await this.#publishers.update();
  }

  async #part(session: PeerSession<Link>): Promise<void> {
    const { name } = session;
    if (!this.#options.store.nodes.isUnreadable(name)) {
      const signal = AbortSignal.timeout(farewellMs);
      await session.farewell((link) => this.#greetings.greet(name, link, { ...greetingPatience, signal }));
    }
    await session[Symbol.asyncDispose]();
  }

  #makeSession(row: NodeRow): PeerSession<Link> {
    const { store, log, relayWaitMs, verifyIntervalMs } = this.#options;
    const peerLog = log.child({ peer: row.name });
    const session: PeerSession<Link> = new PeerSession(
      {
        name: row.name,
        store,
        server: this.#pushServer,
        relayWaitMs,
        verifyIntervalMs,
        makeLoop: runLoop,
        now: Date.now,
        steadyMs: () => performance.now(),
        log: peerLog,
        otherSources: (database, table) => this.#sessions.sourcesOf(database, table, row.name),
        makeLink: () =>
          new Link({
            selfName: store.nodeName,
            seed: this.#options.keys.seed,
            peer: row.name,
            node: () => store.nodes.knownNamed(row.name),
            join: (node) => this.#joining.joinNode(node),
            greet: (link) => this.#greetings.greet(row.name, link, greetingPatience),
            onChange: () => session.linkChanged(),
            log: peerLog,
          }),
      },
      row,
    );
    return session;
  }

  #describe(): Hello {
    return this.#greeter.compose(undefined);
  }
}

function outcomeOf(state: LinkState): ConnectOutcome {
  switch (state.kind) {
    case 'open':
      return { kind: 'connected' };
    case 'refused':
      return state;
    case 'closed':
      return { kind: 'unreachable', reason: state.reason };
    case 'idle':
      return noAnswerYet;
  }
}
