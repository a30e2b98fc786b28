import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import * as z from 'zod';
import { Link, RefusedError } from '../../src/channel/link.ts';
import { NoAnswerError } from '../../src/channel/peer-link.ts';
import { encodeBody } from '../../src/channel/message-body.ts';
import { deferred } from '../../src/runtime/deferred.ts';
import { Closer } from '../../src/runtime/closer.ts';
import { connectTo } from '../../src/stream/connection.ts';
import { makeSeed } from '../../src/stream/nkey.ts';
import { openNodeKeys } from '../../src/stream/node-keys.ts';
import { closePace } from '../../src/stream/stream-pull.ts';
import { TcpProxy } from '../cluster/support/tcp-proxy.ts';
import { TemporaryDirectory } from '../store/test-store.ts';
import { BareServer } from '../stream/bare-server.ts';

const answer = z.object({ bootId: z.string() });

/** Soon after a connection is cut, and long before a pull that hears nothing gives up. */
const soon = { timeout: 1_500, interval: 5 };

/** A link to a nats-server behind a proxy, where somebody answers greetings, and what it has told. */
async function openLink() {
  const closer = new Closer();
  const directory = closer.own('directory', await TemporaryDirectory.make());
  const keys = await openNodeKeys(directory.path, 'host');
  const { port } = closer.own('nats-server', await BareServer.start(keys));
  const near = await connectTo({
    host: '127.0.0.1',
    port,
    certificate: keys.certificate,
    inbox: 'near',
    name: 'near',
    timeoutMs: 5_000,
    reconnect: false,
  });
  closer.defer('near', () => near.close());
  near.subscribe('svc.edge.>', {
    callback: (_error, message) => void message.respond(encodeBody({ bootId: 'one' })),
  });
  await near.flush();
  const proxy = closer.own('proxy', await TcpProxy.to(() => ({ host: '127.0.0.1', port })));
  const told: boolean[] = [];
  const link: Link = new Link({
    selfName: 'edge',
    seed: keys.seed,
    peer: 'host',
    node: () => ({
      name: 'host',
      ...proxy.address,
      certificate: keys.certificate,
      addedVersion: 1,
      subscriptions: [],
    }),
    join: () => Promise.reject(new Error('nobody has to join')),
    greet: (over) => over.request('hello', {}, answer),
    onChange: () => void told.push(link.isOpen),
    log: pino({ level: 'silent' }),
  });
  closer.own('link', link);
  link.start();
  await vi.waitFor(() => expect(told).toEqual([true]), { timeout: 10_000 });
  return { link, proxy, told, [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose]() };
}

test('a connection that is cut is no link from that moment on, though the server is there, and is dialled anew', async () => {
  await using opened = await openLink();
  const { proxy, told } = opened;

  proxy.block();
  proxy.unblock();

  await vi.waitFor(() => expect(told).toEqual([true, false, true]), soon);
  expect(proxy.counters).toMatchObject({ cut: 1, accepted: 2 });
});

test('while it dials again a link is closed: what is asked of it fails as a trouble of the link', async () => {
  await using opened = await openLink();
  const { link, proxy, told } = opened;

  proxy.block();
  // The next dial is taken and never answered.
  proxy.blackhole();

  await vi.waitFor(() => expect(told).toEqual([true, false]), soon);
  await vi.waitFor(() => expect(proxy.counters.accepted).toBe(2), { timeout: 5_000 });
  expect([link.isOpen, link.state.kind]).toEqual([false, 'closed']);
  expect(() => link.pull('dev:dog', 'edge', 0, closePace)).toThrow(NoAnswerError);
  await expect(link.request('hello', {}, answer)).rejects.toThrow(NoAnswerError);
});

test('a link that is disposed of tells nobody that it is closed', async () => {
  await using opened = await openLink();

  await opened.link[Symbol.asyncDispose]();

  expect(opened.told).toEqual([true]);
  expect(opened.link.state.kind).toBe('idle');
});

test('how a try ends that was under way when the node was added again is not how the new one ends', async () => {
  const row = { name: 'host', host: '127.0.0.1', port: 1, subscriptions: [] };
  let addedVersion = 1;
  const first = deferred<void>();
  const joined: number[] = [];
  await using link = new Link({
    selfName: 'edge',
    seed: Buffer.from(makeSeed()),
    peer: 'host',
    node: () => ({ ...row, addedVersion }),
    async join(node) {
      joined.push(node.addedVersion);
      if (node.addedVersion > 1) throw new Error('nobody answers');
      await first.promise;
      throw new RefusedError('join_refused', 'removed before');
    },
    greet: () => Promise.reject(new Error('nobody greets')),
    onChange: () => undefined,
    log: pino({ level: 'silent' }),
  });
  link.start();
  await vi.waitFor(() => expect(joined).toEqual([1]));

  addedVersion = 2;
  const tried = link.hasTried(5_000);
  first.resolve();

  expect(await tried).toBe(true);
  expect(link.state).toEqual({ kind: 'closed', reason: 'nobody answers' });
  expect(joined.slice(0, 2)).toEqual([1, 2]);
});
