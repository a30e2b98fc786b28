import { pino } from 'pino';
import { Proofs } from '../../src/channel/agreement.ts';
import { ChannelServer, type ChannelServerOptions } from '../../src/channel/channel-server.ts';
import { Greeter } from '../../src/channel/greeter.ts';
import { Greetings } from '../../src/channel/greetings.ts';
import { PeerSession } from '../../src/channel/peer-session.ts';
import { PeerSessions } from '../../src/channel/peer-sessions.ts';
import { encodeBody, encodeFailure } from '../../src/channel/message-body.ts';
import { Publishers } from '../../src/channel/publishers.ts';
import { answerService } from '../../src/channel/services.ts';
import { noStreams } from '../../src/channel/stream-directory.ts';
import { CodedError } from '../../src/model/errors.ts';
import type { NodeRow } from '../../src/model/node.ts';
import type { Loop, MakeLoop } from '../../src/runtime/run-loop.ts';
import { Store } from '../../src/store/store.ts';
import { MemoryEnvironment, type CommitControl } from './memory-environment.ts';
import { SimulatedLink } from './simulated-link.ts';
import { SimulatedLoop } from './simulated-loop.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { SimulatedPull } from './simulated-pull.ts';
import type { Streams } from './streams.ts';
import type { World } from './world.ts';

export type CrashPoint =
  'before commit' | 'after commit' | 'before send' | 'before publish' | 'after publish' | 'before answer';

/** Thrown where a process dies: nothing after it in that process may happen. */
class Death extends Error {}

const systemTables = 5;
const silent = pino({ level: 'silent' });
const proofs = new Proofs(Buffer.alloc(32, 'the secret of the cluster user'));

/**
 * The processes of a node from one start to the next crash: what is in memory, over a disk and a
 * nats-server that outlive it. Everything here but links and loops is what production runs.
 */
export class Life {
  readonly node: SimulatedNode;
  readonly world: World;
  readonly log = silent;
  readonly environment: MemoryEnvironment;
  readonly sessions = new PeerSessions<SimulatedLink>({
    rows: () => this.rows(),
    make: (row) => this.#makeSession(row),
  });
  /** When a greeting of a peer really arrived. */
  readonly heardAtMs = new Map<string, number>();
  readonly #pulls = new Set<SimulatedPull>();
  #store: Store | undefined;
  #publishers: Publishers | undefined;
  #greeter: Greeter | undefined;
  #greetings: Greetings | undefined;
  #server: ChannelServer | undefined;
  #pushServer: ChannelServer | undefined;
  #syncing: Promise<void> = Promise.resolve();
  readonly #nodes = new Map<string, NodeRow | undefined>();
  /** Until a commit writes to a table of the system. */
  #rows: readonly NodeRow[] | undefined;
  #membership: Loop | undefined;
  #isDead = false;
  #isStarting = true;
  #diskFreeMs = 0;

  private constructor(node: SimulatedNode) {
    this.node = node;
    this.world = node.world;
    const control: CommitControl = {
      schedule: (run) => this.#schedule(run),
      committed: (writes) => {
        if (
          writes.some(({ tree, key }) => tree === 'records' && Number((key as unknown[])[0]) <= systemTables)
        )
          this.#forgetNodes();
        this.world.oracle.committed(node, this, writes);
        this.world.mutation.committed?.(this);
        if (!this.#isStarting) this.#pass('after commit');
      },
      isDead: () => this.#isDead,
    };
    this.environment = new MemoryEnvironment(node.disk, control);
  }

  static async begin(node: SimulatedNode): Promise<Life> {
    const life = new Life(node);
    node.life = life;
    const { config } = life.world;
    life.#store = await Store.over(life.environment, {
      nodeName: node.name,
      role: 'api',
      now: () => life.now(),
      steadyMs: () => life.world.scheduler.nowMs,
      onCommit: () => life.#hint(),
      logMaxBytes: config.logMaxBytes,
      logNoticeMs: 2_000,
      ...(config.tombstoneMs === undefined ? {} : { tombstoneRetentionMs: config.tombstoneMs }),
    });
    life.#isStarting = false;
    life.#rememberNodes();
    life.world.oracle.started(life);
    life.#run();
    return life;
  }

  get name(): string {
    return this.node.name;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get store(): Store {
    if (!this.#store) throw new Error(`${this.name} is still starting`);
    return this.#store;
  }

  get isReady(): boolean {
    return !this.#isDead && this.#greetings !== undefined;
  }

  get streams(): Streams {
    return this.node.streams;
  }

  get publishers(): Publishers | undefined {
    return this.#publishers;
  }

  /** Wall clock of the node, right or wrong. */
  now(): number {
    return this.node.wallMs;
  }

  /** Only while this life lasts. */
  after(delayMs: number, run: () => void): () => void {
    return this.world.scheduler.after(delayMs, () => {
      if (!this.#isDead) this.#guard(run);
    });
  }

  readonly makeLoop: MakeLoop = (options) =>
    new SimulatedLoop(options, {
      after: (delayMs, run) => this.after(delayMs, run),
      turnMs: () => this.world.random.between(0, this.node.isSlow ? 80 : 3),
      chance: () => this.world.random.fraction(),
      failed: (name, error) => this.world.failed(this, name, error),
    });

  /** The process may end here. */
  crashPoint(point: CrashPoint): void {
    if (this.#pass(point)) throw new Death(`${this.name} died ${point}`);
  }

  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.world.mutation.died?.(this);
    this.world.ended(this);
  }

  /** A request of a peer, as `LocalServer` answers it. Never resolves once the process is gone. */
  async serve(peer: string, service: string, body: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#answer(peer, service, body);
    if (this.#isDead || this.#pass('before answer')) return new Promise(() => {});
    return answer;
  }

  addPull(pull: SimulatedPull): void {
    this.#pulls.add(pull);
    pull.deliver();
  }

  removePull(pull: SimulatedPull): void {
    this.#pulls.delete(pull);
  }

  /** A stream has a new message. */
  deliver(channel: string): void {
    for (const pull of this.#pulls)
      if (pull.isOver) this.#pulls.delete(pull);
      else if (pull.channel === channel) pull.deliver();
  }

  /** The node's rows of its peers have changed. */
  async sync(): Promise<void> {
    const turn = this.#syncing.then(async () => this.#apply());
    this.#syncing = turn.catch(() => undefined);
    return turn;
  }

  rows(): readonly NodeRow[] {
    this.#rows ??= this.store.nodes.known();
    return this.#rows;
  }

  /** The connection that a peer dialled, or the other one, is cut, and both ends see it. */
  cut(peer: string): void {
    this.sessions.get(peer)?.link?.closed();
  }

  peerEnded(life: Life): void {
    this.sessions.get(life.name)?.link?.closed(life);
  }

  /** Rows of peers are read many times for each change of one. */
  #rememberNodes(): void {
    const { nodes } = this.store;
    const get = nodes.get.bind(nodes);
    Object.assign(nodes, {
      get: (name: string) => {
        if (!this.#nodes.has(name)) this.#nodes.set(name, get(name));
        return this.#nodes.get(name);
      },
    });
  }

  #forgetNodes(): void {
    this.#rows = undefined;
    this.#nodes.clear();
  }

  #run(): void {
    const { store, world, log } = this;
    const { maxBatchBytes } = world.config;
    this.#publishers = new Publishers({
      store,
      streams: () => this.streams.server,
      rows: () => this.rows(),
      toldCursors: (channel) => this.sessions.toldCursors(channel),
      limits: { maxBytes: 1 << 30, maxAgeMs: 1 << 30 },
      maxMessageBytes: maxBatchBytes,
      makeLoop: this.makeLoop,
      log,
    });
    const serverOf =
      world.mutation.channelServer ?? ((options: ChannelServerOptions) => new ChannelServer(options));
    const serving = { store, maxBatchBytes, steadyMs: () => world.scheduler.nowMs };
    this.#server = serverOf({ ...serving, streams: this.#publishers });
    this.#pushServer = this.#overheard(serverOf({ ...serving, streams: noStreams }));
    const greeter = new Greeter({
      store,
      server: { port: 1 },
      apiPort: 1,
      version: '0',
      maxTransactionBytes: 1 << 26,
      routes: [],
      proofs,
      now: () => this.now(),
      session: (peer) => this.sessions.get(peer),
      live: () => [],
    });
    this.#greeter = greeter;
    this.#greetings = new Greetings({
      greeter: {
        compose: (peer) => greeter.compose(peer),
        merge: async (peer, message) => {
          this.heardAtMs.set(peer, world.scheduler.nowMs);
          return greeter.merge(peer, message);
        },
      },
      session: (peer) => this.sessions.get(peer),
      steadyMs: () => world.scheduler.nowMs,
      onChange: () => this.#membership?.wake(),
    });
    world.mutation.life?.(this);
    this.#membership = this.makeLoop({
      name: 'membership',
      body: async () => this.sync().then(() => false),
      idleMs: 3_000,
      log,
    });
    this.#membership.start();
    this.makeLoop({
      name: 'maintenance',
      body: async () => store.maintenance.step(),
      idleMs: 2_000,
      log,
    }).start();
  }

  /** What this node pushes is no answer to a request of its peer, and leaves it all the same. */
  #overheard(server: ChannelServer): ChannelServer {
    const answer = server.answer.bind(server);
    return Object.assign(server, {
      answer: (...args: Parameters<typeof answer>) => {
        const response = answer(...args);
        // Beside whoever waits for it: nothing comes later than it would.
        response.then(
          (sent) => this.world.oracle.sent(this, args[0], sent),
          () => undefined,
        );
        return response;
      },
    });
  }

  async #apply(): Promise<void> {
    const rows = this.rows();
    for (const session of this.sessions.release(rows)) await session[Symbol.asyncDispose]();
    await this.sessions.update(rows);
    await this.#publishers?.update();
  }

  #makeSession(row: NodeRow): PeerSession<SimulatedLink> {
    const { store, log, makeLoop, world } = this;
    const greetings = this.#greetings;
    if (!this.#pushServer || !greetings) throw new Error('not running');
    const session: PeerSession<SimulatedLink> = new PeerSession(
      {
        name: row.name,
        store,
        server: this.#pushServer,
        relayWaitMs: world.config.relayWaitMs,
        ...(world.config.verifyMs === undefined ? {} : { verifyIntervalMs: world.config.verifyMs }),
        makeLoop,
        now: () => this.now(),
        steadyMs: () => world.scheduler.nowMs,
        later: (delayMs, call) => this.after(delayMs, call),
        log,
        otherSources: (database, table) => this.sessions.sourcesOf(database, table, row.name),
        makeLink: () =>
          new SimulatedLink({
            self: this,
            peer: row.name,
            greet: async (link) => greetings.greet(row.name, link, { timeoutMs: 3_000 }),
            onChange: () => session.linkChanged(),
          }),
      },
      row,
    );
    return session;
  }

  async #answer(peer: string, service: string, body: Uint8Array): Promise<Uint8Array> {
    try {
      const [server, greeter, greetings] = [this.#server, this.#greeter, this.#greetings];
      if (this.#isDead || !server || !greeter || !greetings) throw new CodedError('unavailable', 'not ready');
      const answer = await answerService(
        { peer, service, body },
        {
          store: this.store,
          server,
          join: { answer: async () => Promise.reject(new CodedError('forbidden', 'no join')) },
          session: (name) => this.sessions.get(name),
          greeted: (name, greeting) => greetings.greeted(name, greeting),
          node: () => greeter.compose(undefined),
        },
      );
      this.world.oracle.answered(this, peer, service, answer);
      return encodeBody(answer);
    } catch (error) {
      if (!(error instanceof CodedError)) this.world.failed(this, service, error);
      return encodeFailure(error instanceof CodedError ? error.message : 'internal error');
    }
  }

  /** Both processes hear of a commit by a hint, which may be lost. */
  #hint(): void {
    if (this.#isStarting || this.world.random.chance(0.1)) return;
    this.after(this.world.random.below(2), () => {
      this.#publishers?.committed();
      this.sessions.wake();
    });
  }

  #schedule(run: () => void): void {
    const guarded = (): void => {
      if (!this.#isDead && !(!this.#isStarting && this.#pass('before commit'))) this.#guard(run);
    };
    const { scheduler, random } = this.world;
    if (this.#isStarting || (!this.node.isSlow && this.#diskFreeMs <= scheduler.nowMs)) {
      guarded();
      return;
    }
    // One disk: commits keep their order.
    this.#diskFreeMs =
      Math.max(this.#diskFreeMs, scheduler.nowMs) + random.between(1, this.node.isSlow ? 60 : 2);
    scheduler.after(this.#diskFreeMs - scheduler.nowMs, guarded);
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Death)) throw error;
    }
  }

  /** True when the process died here. */
  #pass(point: CrashPoint): boolean {
    if (this.#isDead) return true;
    if (!this.node.diesAt(point)) return false;
    this.world.tell(`${this.name} dies ${point}`);
    this.kill();
    return true;
  }
}
