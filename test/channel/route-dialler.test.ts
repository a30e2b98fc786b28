import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { foundByRoute, type Joined, type Sought } from '../../src/channel/join.ts';
import { routeAlarms } from '../../src/channel/alarms.ts';
import { RouteDialler } from '../../src/channel/route-dialler.ts';
import type { Route } from '../../src/config/config.ts';
import { runLoop, type RunLoopOptions } from '../../src/runtime/run-loop.ts';
import { tearNodeRow } from '../store/tear-node-row.ts';
import { TestStore } from '../store/test-store.ts';

const lan = { host: 'hub.lan', port: 9932 };
const wan = { host: 'hub.example', port: 9932 };

/** A node with routes, of which each round is stepped by hand. */
class Dialling implements AsyncDisposable {
  readonly node: TestStore;
  /** Who answers where. */
  readonly there = new Map<string, string>();
  readonly joins: string[] = [];
  /** By which each node was asked to take this one in. */
  readonly asked: (readonly [host: string, addedVersion: number])[] = [];
  readonly lines: string[] = [];
  /** While a node is joined. */
  meanwhile: () => Promise<unknown> = async () => undefined;
  isHubAlive = true;
  nowMs = 0;
  readonly #rounds: RunLoopOptions['body'][] = [];
  readonly #dialler: RouteDialler;

  private constructor(node: TestStore, routes: readonly Route[]) {
    this.node = node;
    this.#dialler = new RouteDialler({
      store: node.store,
      routes,
      join: async ({ host }, sought) => this.#join(host, sought),
      isAlive: () => this.isHubAlive,
      onJoined: () => {},
      steadyMs: () => this.nowMs,
      makeLoop: ({ body }) => {
        this.#rounds.push(body);
        return { start: () => {}, wake: () => {}, [Symbol.asyncDispose]: async () => {} };
      },
      log: pino({ base: null }, { write: (line: string) => void this.lines.push(line) }),
    });
    this.#dialler.start();
  }

  static async open(...routes: readonly Route[]): Promise<Dialling> {
    return new Dialling(await TestStore.open({ nodeName: 'edge' }), routes);
  }

  get alarms(): readonly string[] {
    return routeAlarms(this.#dialler.failures).map(({ text }) => text);
  }

  /** Hosts that were joined in as many rounds of two seconds. */
  async rounds(count: number): Promise<readonly string[]> {
    this.joins.length = 0;
    for (let round = 0; round < count; round += 1) {
      for (const body of this.#rounds) await body(new AbortController().signal);
      this.nowMs += 2_000;
    }
    return [...this.joins];
  }

  get hubHost(): string | undefined {
    return this.node.store.nodes.get('hub')?.host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
  }

  async #join(host: string, { versionFor }: Sought): Promise<Joined | undefined> {
    this.joins.push(host);
    const name = this.there.get(host);
    if (name === undefined) throw new Error('nobody answers');
    if (name !== this.node.store.nodeName) {
      const addedVersion = versionFor(name);
      if (addedVersion === undefined) return undefined;
      this.asked.push([host, addedVersion]);
    }
    await this.meanwhile();
    return { name, nkey: 'UHUB', certificate: 'PEM' };
  }
}

test('routes that lead nowhere keep no other waiting, nor the end of the node', async () => {
  await using node = await TestStore.open({ nodeName: 'edge' });
  const asked: string[] = [];
  const dead = Array.from({ length: 20 }, (_, index) => ({ host: `10.0.0.${index}`, port: 9932 }));
  const dialler = new RouteDialler({
    store: node.store,
    routes: [...dead, lan],
    // As where packets are swallowed, and nobody ever gives up.
    join: (route, _sought, signal) =>
      new Promise((_resolve, reject) => {
        asked.push(route.host);
        signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
      }),
    isAlive: () => false,
    onJoined: () => {},
    steadyMs: () => 0,
    makeLoop: runLoop,
    log: pino({ level: 'silent' }),
  });
  dialler.start();

  await vi.waitFor(() => expect(asked).toEqual([...dead, lan].map(({ host }) => host)));
  await dialler[Symbol.asyncDispose]();

  expect(dialler.failures).toEqual([]);
});

test('a route that is new is tried before those that have led nowhere', async () => {
  const routes = Array.from({ length: 40 }, (_, index) => ({ host: `10.0.0.${index}`, port: 9932 }));
  await using dialling = await Dialling.open(...routes);
  await dialling.rounds(1);

  const { store } = dialling.node;
  const table = await store.catalog.createTable({ database: 'system', name: 'hdb_routes', primaryKey: 'id' });
  await store.write({ table, operation: 'upsert', documents: [{ id: 'new', ...lan }] });

  expect((await dialling.rounds(1))[0]).toBe(lan.host);
});

test('two routes to one node are one link, over the first that answered', async () => {
  await using dialling = await Dialling.open(lan, wan);
  dialling.there.set(lan.host, 'hub').set(wan.host, 'hub');

  expect(await dialling.rounds(1)).toEqual([lan.host, wan.host]);
  expect(dialling.node.store.nodes.get('hub')).toMatchObject({ ...lan, nkey: 'UHUB', certificate: 'PEM' });
  expect(await dialling.rounds(30)).toEqual([]);
  expect(dialling.hubHost).toBe(lan.host);
});

test('a node that has not been connected for half a minute is dialled at its other address, and stays there', async () => {
  await using dialling = await Dialling.open(lan, wan);
  dialling.there.set(lan.host, 'hub').set(wan.host, 'hub');
  await dialling.rounds(5);

  dialling.isHubAlive = false;
  dialling.there.delete(lan.host);
  await dialling.rounds(14);
  expect(dialling.hubHost).toBe(lan.host);
  await dialling.rounds(2);
  expect(dialling.hubHost).toBe(wan.host);
  // So that a hub which has removed this node meanwhile does not take it for added again.
  expect(dialling.asked.at(-1)).toEqual([wan.host, dialling.node.store.nodes.get('hub')?.addedVersion]);

  dialling.isHubAlive = true;
  dialling.there.set(lan.host, 'hub');
  await dialling.rounds(30);
  expect(dialling.hubHost).toBe(wan.host);
});

test('an address that add_node has given is not replaced by that of a route', async () => {
  await using dialling = await Dialling.open(wan);
  const row = { name: 'hub', ...lan, nkey: 'UTHERE', addedVersion: 1, subscriptions: [] };
  await dialling.node.store.nodes.put(row);
  dialling.there.set(wan.host, 'hub');

  expect(await dialling.rounds(10)).toEqual([wan.host]);

  expect(dialling.node.store.nodes.get('hub')).toEqual(row);
});

test('an address that add_node gives while the other route to an absent node is tried stays', async () => {
  await using dialling = await Dialling.open(lan, wan);
  dialling.there.set(lan.host, 'hub').set(wan.host, 'hub');
  await dialling.rounds(5);
  dialling.isHubAlive = false;
  dialling.there.delete(lan.host);
  const { nodes } = dialling.node.store;
  dialling.meanwhile = () =>
    nodes.update('hub', (row) => row && { ...row, host: 'new.example', nkey: 'UNEW' });

  expect(await dialling.rounds(16)).toContain(wan.host);

  expect(nodes.get('hub')).toMatchObject({ host: 'new.example', nkey: 'UNEW' });
});

test('a node that was added without an address gets that of the route, at once', async () => {
  await using dialling = await Dialling.open(lan);
  dialling.isHubAlive = false;
  await dialling.node.store.nodes.put({ name: 'hub', addedVersion: 1, subscriptions: [] });
  await dialling.rounds(1);
  expect(dialling.hubHost).toBeUndefined();

  dialling.there.set(lan.host, 'hub');
  await dialling.rounds(1);

  expect(dialling.hubHost).toBe(lan.host);
});

test('a route to the node itself is told once and left alone', async () => {
  await using dialling = await Dialling.open(lan);
  dialling.there.set(lan.host, 'edge');

  expect(await dialling.rounds(30)).toEqual([lan.host]);

  expect(dialling.lines).toEqual([expect.stringContaining('route leads to this node itself')]);
  expect(dialling.node.store.nodes.all()).toEqual([]);
});

test('a route to a node that was removed is left alone until it is added again', async () => {
  await using dialling = await Dialling.open(lan);
  dialling.there.set(lan.host, 'hub');
  await dialling.rounds(1);
  const { host: _host, port: _port, ...row } = dialling.node.store.nodes.get('hub') ?? expect.fail('no row');

  await dialling.node.store.nodes.put({ ...row, removedVersion: row.addedVersion + 1 });
  expect(await dialling.rounds(30)).toEqual([]);

  await dialling.node.store.nodes.put({ ...row, addedVersion: row.addedVersion + 2 });
  expect(await dialling.rounds(3)).toEqual([lan.host]);
  expect(dialling.hubHost).toBe(lan.host);
});

test('after a start another route to a node that is known asks as its row says: it may have removed this one', async () => {
  await using dialling = await Dialling.open(wan);
  await dialling.node.store.nodes.put({ name: 'hub', ...lan, addedVersion: 7, subscriptions: [] });
  dialling.there.set(wan.host, 'hub');

  await dialling.rounds(1);

  expect(dialling.asked).toEqual([[wan.host, 7]]);
});

test('after a start nobody is joined whose row says that it was removed, or cannot be read, until it is added again', async () => {
  await using dialling = await Dialling.open(lan, wan);
  const { nodes } = dialling.node.store;
  await nodes.put({ name: 'hub', addedVersion: 5, removedVersion: 10, subscriptions: [] });
  await nodes.put({ name: 'branch', addedVersion: 5, subscriptions: [] });
  await tearNodeRow(dialling.node.path, 'branch');
  dialling.there.set(lan.host, 'hub').set(wan.host, 'branch');

  expect(await dialling.rounds(30)).toEqual([lan.host, wan.host]);
  expect(dialling.asked).toEqual([]);
  expect(dialling.alarms).toEqual([]);

  for (const name of ['hub', 'branch'])
    await dialling.node.store.nodes.put({ name, addedVersion: 20, subscriptions: [] });
  await dialling.rounds(1);
  expect(dialling.asked).toEqual([
    [lan.host, 20],
    [wan.host, 20],
  ]);
});

test('what a route finds is no decision: whoever removes it does so later, whatever the clocks say', async () => {
  await using dialling = await Dialling.open(lan);
  dialling.there.set(lan.host, 'hub');

  await dialling.rounds(1);

  expect(dialling.asked).toEqual([[lan.host, foundByRoute]]);
  expect(dialling.node.store.nodes.get('hub')?.addedVersion).toBe(0);
});

test('a route that leads to nobody is an alarm with its reason, until somebody is there', async () => {
  await using dialling = await Dialling.open(lan, wan);
  dialling.there.set(lan.host, 'hub');

  await dialling.rounds(1);
  expect(dialling.alarms).toEqual([
    'the route to hub.example:9932 leads to nobody, and is tried again: nobody answers',
  ]);

  dialling.there.set(wan.host, 'hub');
  await dialling.rounds(1);
  expect(dialling.alarms).toEqual([]);
});

test('the alarm stands while the route is tried now and then, and ends when nobody needs it', async () => {
  await using dialling = await Dialling.open(lan, wan);
  dialling.there.set(lan.host, 'hub').set(wan.host, 'hub');
  await dialling.rounds(2);
  dialling.isHubAlive = false;
  dialling.there.clear();

  for (let round = 0; dialling.alarms.length === 0; round += 1) {
    expect(round).toBeLessThan(30);
    await dialling.rounds(1);
  }
  for (let round = 0; round < 30; round += 1) {
    await dialling.rounds(1);
    expect(dialling.alarms).toHaveLength(1);
  }

  dialling.isHubAlive = true;
  await dialling.rounds(1);
  expect(dialling.alarms).toEqual([]);
});
