import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { findNatsServer } from '../../src/process/find-nats-server.ts';
import { claimPort } from '../../src/process/held-port.ts';
import { packageRoot } from '../../src/process/package-root.ts';
import { connectTo } from '../../src/stream/connection.ts';
import { openNodeKeys } from '../../src/stream/node-keys.ts';
import { writeServerConfig } from '../../src/stream/server-config.ts';
import { waitFor } from '../cluster/support/wait-for.ts';
import { TemporaryDirectory } from '../store/test-store.ts';

interface NodeServer extends AsyncDisposable {
  /** As the node's own bridge. */
  readonly asNode: () => Promise<NatsConnection>;
  /** Without a key, as anybody may. */
  readonly asStranger: () => Promise<NatsConnection>;
}

/** The nats-server of a node, with the configuration that nodes give theirs. */
async function startNodeServer(): Promise<NodeServer> {
  const directory = await TemporaryDirectory.make();
  const keys = await openNodeKeys(join(directory.path, 'keys'), 'edge');
  const { path } = await findNatsServer({ configuredPath: process.env['NATS_SERVER_BIN'] });
  const address = { host: '127.0.0.1', port: await claimPort('127.0.0.1', 0, undefined) };
  const file = writeServerConfig({
    ...address,
    directory: join(directory.path, 'nats'),
    template: join(packageRoot, 'nats-config', 'node.conf'),
    nodeName: 'edge',
    keys,
    maxFileBytes: 2 ** 30,
  });
  const child = spawn(path, ['-c', file], { stdio: 'ignore' });
  const { certificate, seed } = keys;
  const request = { ...address, certificate, timeoutMs: 5_000, reconnect: false };
  const server: NodeServer = {
    asNode: () => connectTo({ ...request, seed, inbox: 'bridge', name: 'bridge' }),
    asStranger: () => connectTo({ ...request, inbox: 'join', name: 'join' }),
    async [Symbol.asyncDispose]() {
      const gone = child.exitCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await gone;
      await directory[Symbol.asyncDispose]();
    },
  };
  await waitFor('nats-server to listen', async () => {
    await (await server.asNode()).close();
    return true;
  });
  return server;
}

test('who has no key gets few subscriptions, and what it says is short', async () => {
  await using server = await startNodeServer();
  const stranger = await server.asStranger();
  const refused: string[] = [];
  const listening = (async () => {
    for await (const status of stranger.status())
      if (status.type === 'error') refused.push(status.error.message);
  })();

  for (let index = 0; index < 100; index += 1) stranger.subscribe(`_INBOX_join.${index}`);
  await stranger.flush();
  const told = stranger.info?.max_payload;
  await stranger.close();
  await listening;

  expect(refused.filter((text) => /maximum subscriptions exceeded/i.test(text))).toHaveLength(100 - 16);
  expect(told).toBe(16 * 1024);
});

test('who has no key gets not all connections: those of the node itself stay', async () => {
  await using server = await startNodeServer();
  const strangers: NatsConnection[] = [];
  let refusal: unknown;
  while (refusal === undefined && strangers.length < 300)
    await server.asStranger().then(
      (connection) => strangers.push(connection),
      (error: unknown) => (refusal = error),
    );

  const own = await server.asNode();

  expect(strangers).toHaveLength(256);
  expect(String(refusal)).toMatch(/maximum account active connections/i);
  await own.flush();
  await strangers.pop()?.close();
  await waitFor('one more to be let in', async () => {
    strangers.push(await server.asStranger());
    return true;
  });
  for (const connection of [own, ...strangers]) await connection.close();
});
