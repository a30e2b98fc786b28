import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { channelName } from '../../src/model/channel-name.ts';
import type { Change, Document, Key, Stamp } from '../../src/model/change.ts';
import type { ClockReading } from '../../src/model/clock-reading.ts';
import type { Subscription } from '../../src/model/node.ts';
import type { Table } from '../../src/model/table.ts';
import { Proofs } from '../../src/channel/agreement.ts';
import { ChannelReceiver } from '../../src/channel/channel-receiver.ts';
import { ChannelServer } from '../../src/channel/channel-server.ts';
import { Greeter } from '../../src/channel/greeter.ts';
import { hello, type Hello } from '../../src/channel/hello.ts';
import { decodeBody, encodeBody } from '../../src/channel/message-body.ts';
import {
  channelRequest,
  channelResponse,
  type ChannelRequest,
  type ChannelResponse,
} from '../../src/channel/protocol.ts';
import { PartGate, type FollowedChannel } from '../../src/channel/part-gate.ts';
import { noStreams } from '../../src/channel/stream-directory.ts';
import { Verifier } from '../../src/channel/verifier.ts';
import type { ApplyResult } from '../../src/store/applier.ts';
import type { Source } from '../../src/store/source.ts';
import type { Store } from '../../src/store/store.ts';
import type { StoreOptions } from '../../src/store/store-options.ts';
import { dumpOf, rowsOf, tableOf, TestStore, type Dump, type TestStoreOptions } from '../store/test-store.ts';

export const relayWaitMs = 100;
/** As all nodes make them that know one cluster user. */
export const clusterProofs = new Proofs(Buffer.alloc(32, 'the secret of the cluster user'));

export interface ReplicaOptions extends TestStoreOptions {
  readonly maxBatchBytes?: number;
}

/** One exchange over a link: what was asked, and what came back. */
export interface Exchange {
  readonly request: ChannelRequest;
  readonly response: ChannelResponse;
}

/**
 * A node without its processes and without NATS: a store, what it serves, and what it receives.
 * Questions and answers go through the wire encoding and straight to the other replica.
 */
export class Replica implements AsyncDisposable {
  readonly name: string;
  readonly #test: TestStore;
  readonly #maxBatchBytes: number;
  /** Nodes that it has no link with. */
  readonly cut = new Set<string>();
  readonly applied: ApplyResult[] = [];
  readonly #heard = new Map<string, Hello>();
  #receivers = new Map<string, ChannelReceiver>();
  #gates = new Map<string, PartGate>();
  readonly #servers = new Map<number, ChannelServer>();
  #nowMs = 1_800_000_000_000;

  private constructor(name: string, test: TestStore, maxBatchBytes: number) {
    this.name = name;
    this.#test = test;
    this.#maxBatchBytes = maxBatchBytes;
  }

  static async open(name: string, options: ReplicaOptions = {}): Promise<Replica> {
    const { maxBatchBytes = 1 << 20, ...storeOptions } = options;
    // The clock of a replica is the test's.
    const box: { replica?: Replica } = {};
    const now = (): number => box.replica?.nowMs ?? 1_800_000_000_000;
    const test = await TestStore.open({ nodeName: name, now, ...storeOptions });
    box.replica = new Replica(name, test, maxBatchBytes);
    return box.replica;
  }

  get store(): Store {
    return this.#test.store;
  }

  get path(): string {
    return this.#test.path;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Moves the wall clock, also back. */
  pass(ms: number): void {
    this.#nowMs += ms;
  }

  get table(): Table {
    return tableOf(this.store);
  }

  /** Ends the process and starts it again: only the store remains. */
  async restart(options: Partial<StoreOptions> = {}, meanwhile?: () => Promise<void>): Promise<void> {
    await this.#test.reopen(options, meanwhile);
    this.forgetReceivers();
    this.#gates = new Map();
    this.#servers.clear();
  }

  /** Copies the directory of the stopped store; starts it again. */
  async backUp(name: string): Promise<string> {
    const path = join(this.#test.directory.path, name);
    await this.restart({}, async () => cp(this.path, path, { recursive: true }));
    return path;
  }

  async upsert(...documents: readonly Document[]): Promise<void> {
    await this.store.write({ table: this.table, operation: 'upsert', documents });
  }

  async delete(...keys: readonly Key[]): Promise<void> {
    await this.store.delete({ table: this.table, keys });
  }

  receiver(peer: Replica, tableName = 'dog'): ChannelReceiver {
    const known = this.#receivers.get(`${peer.name}:${tableName}`);
    if (known) return known;
    const receiver = new ChannelReceiver({
      store: this.store,
      peer: peer.name,
      database: 'dev',
      tableName,
      peerStoreId: () => this.store.nodes.get(peer.name)?.storeId,
      sources: () => this.#sources(peer.name, tableName),
      relayWaitMs,
      now: () => this.#nowMs,
      steadyMs: () => this.#nowMs,
      gate: this.#gate(peer),
      verifier: this.#verifier(tableName),
      onApplied: (result) => this.applied.push(result),
    });
    this.#receivers.set(`${peer.name}:${tableName}`, receiver);
    return receiver;
  }

  /** As when a subscription is decided anew. */
  forgetReceivers(): void {
    this.#receivers = new Map();
  }

  /** Serves its channels from the log. */
  server(maxBatchBytes = this.#maxBatchBytes): ChannelServer {
    const known = this.#servers.get(maxBatchBytes);
    if (known) return known;
    const server = new ChannelServer({
      store: this.store,
      streams: noStreams,
      maxBatchBytes,
      steadyMs: () => 0,
    });
    this.#servers.set(maxBatchBytes, server);
    return server;
  }

  /** One question to the publisher, its answer not applied yet. */
  async ask(publisher: Replica, tableName = 'dog'): Promise<Exchange> {
    const asked = encodeBody(this.receiver(publisher, tableName).next());
    const request = decodeBody(channelRequest, asked);
    const answered = encodeBody(await publisher.server().answer(this.name, request));
    return { request, response: decodeBody(channelResponse, answered) };
  }

  /** One question and its answer, applied. */
  async step(publisher: Replica, tableName = 'dog'): Promise<Exchange> {
    const exchange = await this.ask(publisher, tableName);
    await this.receiver(publisher, tableName).accept(exchange.response);
    return exchange;
  }

  /** Asks until the publisher has nothing more, and says what was exchanged. */
  async follow(publisher: Replica, tableName = 'dog'): Promise<Exchange[]> {
    const exchanges: Exchange[] = [];
    for (let round = 0; round < 500; round += 1) {
      exchanges.push(await this.step(publisher, tableName));
      if (!this.receiver(publisher, tableName).isBehind) return exchanges;
    }
    throw new Error(`${this.name} does not come to an end with ${publisher.name}`);
  }

  /** Goes on with the comparison that is due until nothing is left to ask for now; the kinds of questions that it took. */
  async compare(publisher: Replica, tableName = 'dog'): Promise<string[]> {
    const receiver = this.receiver(publisher, tableName);
    const asked: string[] = [];
    for (let next = await receiver.nextComparison(); next; next = await receiver.nextComparison()) {
      const request = decodeBody(channelRequest, encodeBody(next));
      const answered = encodeBody(await publisher.server().answer(this.name, request));
      await receiver.accept(decodeBody(channelResponse, answered));
      asked.push(request.kind);
    }
    return asked;
  }

  /** Compares everything that is taken from there. */
  async verify(publisher: Replica): Promise<string[]> {
    void this.receiver(publisher).verifier.request();
    return this.compare(publisher);
  }

  cursor(publisher: Replica, tableName = 'dog') {
    const table = this.store.catalog.table('dev', tableName);
    return table && this.store.cursors.get(publisher.store.identity.storeId, table.id);
  }

  async dump(): Promise<Dump> {
    return dumpOf(this.path);
  }

  hello(peer: Replica, peerClock?: ClockReading, failures?: Readonly<Record<string, string>>) {
    return decodeBody(hello, encodeBody(this.#greeter(peerClock, failures).compose(peer.name)));
  }

  /** @param message what the peer says, or says it is */
  async hear(peer: Replica, message: Hello = peer.hello(this)): Promise<void> {
    this.#heard.set(peer.name, message);
    await this.#greeter().merge(peer.name, message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#test[Symbol.asyncDispose]();
  }

  /** Where the parts of a peer's transactions meet: as in a session of the peer. */
  #gate(peer: Replica): PartGate {
    const known = this.#gates.get(peer.name);
    if (known) return known;
    const followed = (channel: string): FollowedChannel | undefined => {
      const receiver = [...this.#receivers].find(
        ([key, candidate]) => key.startsWith(`${peer.name}:`) && candidate.channel === channel,
      )?.[1];
      const state = receiver?.state;
      if (state?.kind === 'waiting' || state?.kind === 'failed') return undefined;
      const table = this.store.catalog.table('dev', receiver?.tableName ?? '');
      const storeId = this.store.nodes.get(peer.name)?.storeId;
      const isHeldUp = state?.kind === 'quarantine-full';
      return table && storeId !== undefined ? { tableId: table.id, storeId, isHeldUp } : undefined;
    };
    const gate = new PartGate({ store: this.store, followed, waitMs: 20 });
    this.#gates.set(peer.name, gate);
    return gate;
  }

  /** Compares when it is asked to. */
  #verifier(tableName: string): Verifier {
    const now = (): number => this.#nowMs;
    const channel = channelName('dev', tableName);
    return new Verifier({ store: this.store, channel, intervalMs: undefined, now, steadyMs: now });
  }

  #sources(peer: string, tableName: string): string[] {
    return this.store.nodes
      .all()
      .filter(({ name, subscriptions }) => {
        const follows = subscriptions.some(({ table, subscribe }) => table === tableName && subscribe);
        return name !== peer && follows && !this.cut.has(name);
      })
      .map(({ name }) => name);
  }

  #greeter(peerClock?: ClockReading, failures: Readonly<Record<string, string>> = {}): Greeter {
    return new Greeter({
      store: this.store,
      server: { port: 1 },
      apiPort: 1,
      version: '0',
      maxTransactionBytes: 1,
      routes: [],
      proofs: clusterProofs,
      session: (peer) => ({
        link: { isOpen: true },
        measuredClock: peerClock,
        hello: this.#heard.get(peer),
        asking: [],
        compare: {},
        failures,
        verified: () => undefined,
      }),
      now: () => this.#nowMs,
      live: () => [],
    });
  }
}

/** What the first of two nodes does with a table of the other. */
export interface Agreement {
  readonly publish: boolean;
  readonly subscribe: boolean;
  readonly startTimeMs?: number;
  readonly priority?: number;
}

export const both: Agreement = { publish: true, subscribe: true };

/** Makes two nodes peers and tells each what the other knows. */
export async function connect(
  first: Replica,
  second: Replica,
  agreement: Agreement = both,
  tables: readonly string[] = ['dog'],
): Promise<void> {
  const subscriptions = await Promise.all(
    tables.map(async (table): Promise<Subscription> => ({
      database: 'dev',
      table,
      ...agreement,
      version: await first.store.nodes.decide((version) => version),
    })),
  );
  const row = { addedVersion: 1, nkey: 'U' };
  const known = first.store.nodes.get(second.name)?.subscriptions ?? [];
  const kept = known.filter(({ table }) => !tables.includes(table));
  await first.store.nodes.update(second.name, (current) => ({
    ...row,
    ...current,
    name: second.name,
    subscriptions: [...kept, ...subscriptions],
  }));
  await second.store.nodes.update(first.name, (current) => ({
    ...row,
    subscriptions: [],
    ...current,
    name: first.name,
  }));
  await greet(first, second);
}

/** What both say when a link comes up. */
export async function greet(first: Replica, second: Replica): Promise<void> {
  for (const [hearing, speaking] of [
    [first, second],
    [second, first],
    [first, second],
  ] as const)
    await hearing.hear(speaking);
}

function isFollowing(subscriber: Replica, publisher: Replica): boolean {
  const row = subscriber.store.nodes.get(publisher.name);
  const isAgreed = row?.subscriptions.some(({ subscribe, stopped }) => subscribe && stopped === undefined);
  return isAgreed === true && !subscriber.cut.has(publisher.name) && !publisher.cut.has(subscriber.name);
}

function provable(subscriber: Replica, publisher: Replica): string | undefined {
  const { storeId } = publisher.store.identity;
  return subscriber.store.comparison.provable({ peer: publisher.name, storeId, table: subscriber.table });
}

/** All links that are up exchange until nobody has anything new, and nobody waits for anybody. */
export async function settle(...replicas: readonly Replica[]): Promise<void> {
  const pairs = replicas.flatMap((subscriber) =>
    replicas
      .filter((publisher) => publisher !== subscriber && isFollowing(subscriber, publisher))
      .map((publisher) => ({ subscriber, publisher })),
  );
  let waits: string[] = [];
  for (let round = 0; round < 200; round += 1) {
    waits = [];
    for (const { subscriber, publisher } of pairs) {
      const before = JSON.stringify(subscriber.cursor(publisher)?.seq);
      await subscriber.follow(publisher);
      await subscriber.compare(publisher);
      const { state } = subscriber.receiver(publisher);
      const isQuiet = JSON.stringify(subscriber.cursor(publisher)?.seq) === before;
      if (state.kind !== 'following' || provable(subscriber, publisher) || !isQuiet)
        waits.push(`${subscriber.name} of ${publisher.name}: ${state.kind}`);
    }
    if (waits.length === 0) return;
    for (const replica of replicas) replica.pass(relayWaitMs);
  }
  throw new Error(`No end after 200 rounds: ${waits.join(', ')}`);
}

/** Keys, stamps and bytes of a table, tombstones too: what all replicas must hold alike. */
export function contentOf(replica: Replica, tableName = 'dog'): unknown[] {
  return toldOf(rowsOf(replica.store, tableOf(replica.store, tableName)));
}

function toldOf(rows: readonly Change[]): unknown[] {
  return rows.map(({ key, version, origin, bytes }) => [
    key,
    version,
    origin.name,
    origin.storeId,
    bytes && Buffer.from(bytes).toString('hex'),
  ]);
}

/** Live rows alone: a tombstone may be gone from one replica before another. */
export function expectSameRecords(...replicas: readonly Replica[]): void {
  const contents = replicas.map(({ store, table }) =>
    toldOf(rowsOf(store, table).filter(({ bytes }) => bytes !== null)),
  );
  expect(contents).toEqual(contents.map(() => contents[0]));
}

/** Asserts that all replicas hold the same keys, stamps and bytes. */
export function expectSame(...replicas: readonly Replica[]): void {
  const contents = replicas.map((replica) => contentOf(replica));
  expect(contents).toEqual(contents.map(() => contents[0]));
}

/** Where a table comes from, as a subscriber without a start time applies it. */
export function sourceOf(publisher: Replica, subscriber: Replica, tableName = 'dog'): Source {
  const { storeId } = publisher.store.identity;
  const { incarnation } = tableOf(publisher.store, tableName);
  return {
    peer: publisher.name,
    table: tableOf(subscriber.store, tableName),
    storeId,
    incarnation,
    newerThan: 0,
  };
}

/** Keys of live records, in order. */
export function keysOf(replica: Replica, tableName = 'dog'): Key[] {
  return rowsOf(replica.store, tableOf(replica.store, tableName)).flatMap(({ key, bytes }) =>
    bytes ? [key] : [],
  );
}

/** By (version, origin), written anew for the tests. */
export function isNewer(a: Stamp, b: Stamp): boolean {
  if (a.version !== b.version) return a.version > b.version;
  const [left, right] = [a, b].map(({ origin }) => Buffer.from(`${origin.name}\u0000${origin.storeId}`));
  return Buffer.compare(left ?? Buffer.alloc(0), right ?? Buffer.alloc(0)) > 0;
}
