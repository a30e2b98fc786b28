import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { startHttpServer } from '../../src/http/server.ts';
import { admin, openServer, standardSettings } from './open-server.ts';

function postOverSocket(socketPath: string, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: '/', method: 'POST' }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text));
    });
    sent.on('error', reject).end(JSON.stringify(body));
  });
}

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'lyre-socket-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('health is 200 only while the store is open and requests are taken', async () => {
  await using t = await openServer();
  const ask = async (): Promise<unknown[]> => {
    const response = await fetch(`${t.url}health`);
    return [response.status, await response.json()];
  };

  expect(await ask()).toEqual([200, { status: 'ok', bridge: 'running', nats: 'running' }]);
  t.health = { status: 'ok', bridge: 'down', nats: 'down' };
  expect(await ask()).toEqual([200, { status: 'ok', bridge: 'down', nats: 'down' }]);
  t.health = { status: 'stopping', bridge: 'down', nats: 'down' };
  expect(await ask()).toEqual([503, { status: 'stopping', bridge: 'down', nats: 'down' }]);
});

test('the root is a page, and what does not exist is 404', async () => {
  await using t = await openServer();

  const page = await fetch(t.url);
  const missing = await fetch(`${t.url}nothing`);

  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('LyreDB is running')]);
  expect([missing.status, await missing.json()]).toEqual([404, { error: 'Not found' }]);
});

test('a path that cannot be decoded is answered with 400', async () => {
  await using t = await openServer();

  const response = await fetch(`${t.url}changes/dev/%E0%A4%A`);

  expect([response.status, await response.json()]).toEqual([
    400,
    { error: 'The path of the request is not valid' },
  ]);
});

test('requests over the domain socket act as super user, and only the owner can open it', async () => {
  await using folder = await scratch();
  const socketPath = join(folder.path, 'operations-server');
  await using _listening = await openServer({ socketPath });

  const answer = await postOverSocket(socketPath, { operation: 'create_schema', schema: 'dev' });

  expect(JSON.parse(answer)).toEqual({ message: "database 'dev' successfully created" });
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
});

test('a socket file that a dead process left is replaced, one that is answered is not', async () => {
  await using folder = await scratch();
  const socketPath = join(folder.path, 'operations-server');
  const child = createServer().listen(socketPath);
  await new Promise((resolve) => child.once('listening', resolve));

  await expect(openServer({ socketPath })).rejects.toMatchObject({
    code: 'start_failed',
    message: `Another process listens on the domain socket ${socketPath}`,
  });
  expect(child.listening).toBe(true);
  await new Promise((resolve) => child.close(resolve));

  await leaveStaleSocket(socketPath);
  await using _listening = await openServer({ socketPath });
  const answer = await postOverSocket(socketPath, { operation: 'create_schema', schema: 'dev' });
  expect(JSON.parse(answer)).toEqual({ message: "database 'dev' successfully created" });
});

test('a file that is no socket is not removed', async () => {
  await using folder = await scratch();
  const socketPath = join(folder.path, 'precious');
  await writeFile(socketPath, 'data');

  await expect(openServer({ socketPath })).rejects.toMatchObject({
    message: `${socketPath} exists and is not a socket`,
  });
  expect((await stat(socketPath)).size).toBe(4);
});

test('a socket path that is too long is skipped with a warning', async () => {
  await using t = await openServer({ socketPath: `/tmp/${'x'.repeat(120)}` });

  expect(t.logged.join()).toMatch(/domain socket skipped/);
  expect((await t.post({ operation: 'describe_all' })).status).toBe(200);
});

test('a port that is taken is told in one line', async () => {
  await using t = await openServer();
  const { port } = t.server;
  const second = startHttpServer({
    ...standardSettings,
    port,
    services: t.services,
    health: () => t.health,
    log: (await import('pino')).pino({ level: 'silent' }),
  });

  await expect(second).rejects.toMatchObject({
    code: 'start_failed',
    message: `Cannot listen on 127.0.0.1:${port}: the port is taken by another process: SERVER_PORT names another one, 0 takes any that is free`,
  });
});

test('closing finishes the request that runs, refuses new ones, and is not held by idle connections', async () => {
  await using t = await openServer();
  await t.post({ operation: 'create_table', table: 'dog', primary_key: 'id' });
  const idle = connect(t.server.port ?? 0, '127.0.0.1');
  await new Promise((resolve) => idle.once('connect', resolve));
  idle.on('error', () => undefined);
  const body = JSON.stringify({ operation: 'insert', table: 'dog', records: [{ id: 1 }] });
  const running = request(t.url, {
    method: 'POST',
    headers: { authorization: admin, 'content-length': body.length, expect: '100-continue' },
  });
  running.flushHeaders();
  await new Promise((resolve) => running.once('continue', resolve));
  running.write(body.slice(0, 5));
  const answered = new Promise<number | undefined>((resolve, reject) => {
    running.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
  });

  const startedAt = performance.now();
  const closed = t.server[Symbol.asyncDispose]();
  await expect(fetch(`${t.url}health`)).rejects.toThrow('fetch failed');
  running.end(body.slice(5));

  expect(await answered).toBe(200);
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  const table = t.store.catalog.table('data', 'dog') ?? expect.fail('no table');
  expect(t.store.get(table, 1)).toMatchObject({ id: 1 });
  idle.destroy();
});

test('closing gives up on a request that never ends', async () => {
  await using t = await openServer({ closeTimeoutMs: 200 });
  const endless = request(t.url, {
    method: 'POST',
    headers: { authorization: admin, 'content-length': 100, expect: '100-continue' },
  });
  const failed = new Promise((resolve) => endless.once('error', resolve));
  endless.flushHeaders();
  await new Promise((resolve) => endless.once('continue', resolve));

  await t.server[Symbol.asyncDispose]();

  expect(await failed).toBeInstanceOf(Error);
});

/** A process that is killed leaves its socket file behind. */
async function leaveStaleSocket(path: string): Promise<void> {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [
    '-e',
    `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await new Promise((resolve) => child.once('exit', resolve));
  expect((await stat(path)).isSocket()).toBe(true);
}
