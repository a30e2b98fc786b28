import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { Joined } from '../../src/channel/join.ts';
import { routeAlarms } from '../../src/channel/alarms.ts';
import { RouteDialler, type Route } from '../../src/channel/route-dialler.ts';
import type { RunLoopOptions } from '../../src/runtime/run-loop.ts';
import { TestStore } from '../store/test-store.ts';

const lan = { host: 'hub.lan', port: 9932 };
const wan = { host: 'hub.example', port: 9932 };

/** A node with routes, of which each round is stepped by hand. */
class Dialling implements AsyncDisposable {
  readonly node: TestStore;
  /** Who answers where. */
  readonly there = new Map<string, string>();
  readonly joins: string[] = [];
  /** That the last join named. */
  addedVersion: number | undefined;
  readonly lines: string[] = [];
  isHubAlive = true;
  nowMs = 0;
  readonly #rounds: RunLoopOptions['body'][] = [];
  readonly #dialler: RouteDialler;

  private constructor(node: TestStore, routes: readonly Route[]) {
    this.node = node;
    this.#dialler = new RouteDialler({
      store: node.store,
      routes,
      join: async ({ host }, addedVersion) => {
        this.addedVersion = addedVersion;
        return this.#join(host);
      },
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

  async #join(host: string): Promise<Joined> {
    this.joins.push(host);
    const name = this.there.get(host);
    if (name === undefined) throw new Error('nobody answers');
    return { name, nkey: 'UHUB', certificate: 'PEM' };
  }
}

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
  expect(dialling.addedVersion).toBe(dialling.node.store.nodes.get('hub')?.addedVersion);

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
