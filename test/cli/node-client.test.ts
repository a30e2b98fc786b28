import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { FileLock } from '../../src/runtime/file-lock.ts';
import { NodeClient } from '../../src/cli/node-client.ts';
import { loadClientConfig, type ClientConfig } from '../../src/config/client-config.ts';

/** An HTTP server that answers with what it was asked. */
class Echo implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'lyre-cli-'));
  readonly socketPath = join(this.directory, 'operations-server');
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => {
      void describe(request).then((told) => {
        response.statusCode = request.url === '/refuse' ? 400 : 200;
        response.setHeader('connection', 'close');
        response.end(JSON.stringify(told));
      });
    });
  }

  async listen(where: string | number): Promise<number> {
    if (typeof where === 'number') this.#server.listen(where, '127.0.0.1');
    else this.#server.listen(where);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  config(variables: Record<string, string> = {}): ClientConfig {
    return loadClientConfig({ env: { ROOTPATH: this.directory, ...variables }, cwd: this.directory });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true });
  }
}

async function describe(request: IncomingMessage): Promise<object> {
  const { method, url, headers } = request;
  return { method, url, authorization: headers.authorization, body: await readAll(request) };
}

const admin = { HDB_ADMIN_USERNAME: 'admin', HDB_ADMIN_PASSWORD: 'pä:ss' };
const basic = `Basic ${Buffer.from('admin:pä:ss').toString('base64')}`;

it('asks over the domain socket without credentials', async () => {
  await using echo = new Echo();
  await echo.listen(echo.socketPath);
  const client = NodeClient.forRootPath(echo.config(admin));

  expect(await client.ask('/', { body: { operation: 'describe_all', text: 'ü' } })).toEqual({
    status: 200,
    body: { method: 'POST', url: '/', body: '{"operation":"describe_all","text":"ü"}' },
  });
  expect(await client.ask('/refuse', { timeoutMs: 5_000 })).toMatchObject({
    status: 400,
    body: { method: 'GET' },
  });
});

it('falls back to the port in ports.json, with the credentials of the administrator', async () => {
  await using echo = new Echo();
  const port = await echo.listen(0);
  writeFileSync(join(echo.directory, 'ports.json'), JSON.stringify({ api: port, cluster: 1 }));
  await using _running = await FileLock.acquire(join(echo.directory, 'lyre.pid'));

  const answer = await NodeClient.forRootPath(echo.config(admin)).ask('/', { body: {} });

  expect(answer).toMatchObject({ status: 200, body: { authorization: basic } });
});

it('says so when the node listens on TLS only', async () => {
  await using echo = new Echo();
  writeFileSync(join(echo.directory, 'ports.json'), JSON.stringify({ cluster: 1 }));
  await using _running = await FileLock.acquire(join(echo.directory, 'lyre.pid'));

  expect(() => NodeClient.forRootPath(echo.config(admin))).toThrow(
    `The node in ${echo.directory} listens on TLS only; name it with --target https://...`,
  );
});

it('sends no password to a port that a node has left behind', async () => {
  await using echo = new Echo();
  const port = await echo.listen(0);
  writeFileSync(join(echo.directory, 'ports.json'), JSON.stringify({ api: port }));

  expect(() => NodeClient.forRootPath(echo.config(admin))).toThrow(
    `No node is running in ${echo.directory}; start one with: lyre start`,
  );
});

it('says that no node runs when the socket is a leftover', async () => {
  await using echo = new Echo();
  await echo.listen(0);
  writeFileSync(echo.socketPath, '');

  await expect(NodeClient.forRootPath(echo.config()).ask('/')).rejects.toThrow('No node is running in');
});

it('asks a target with its credentials, also when they are in the address', async () => {
  await using echo = new Echo();
  const port = await echo.listen(0);
  const credentials = { username: 'admin', password: 'pä:ss' };
  const plain = NodeClient.forTarget({ url: `http://127.0.0.1:${port}`, ...credentials });
  const inAddress = NodeClient.forTarget({
    url: `http://admin:p%C3%A4%3Ass@127.0.0.1:${port}/`,
    username: undefined,
    password: undefined,
  });

  expect(await plain.ask('/', { body: {} })).toMatchObject({ body: { authorization: basic } });
  expect(await inAddress.ask('/', { body: {} })).toMatchObject({ body: { authorization: basic } });
});

it('takes the credentials of a target from CLI_TARGET_*, else from the administrator', async () => {
  await using echo = new Echo();
  await echo.listen(0);

  expect(echo.config(admin).target).toEqual({ username: 'admin', password: 'pä:ss' });
  expect(echo.config({ ...admin, CLI_TARGET_USERNAME: 'u', CLI_TARGET_PASSWORD: 'p' }).target).toEqual({
    username: 'u',
    password: 'p',
  });
});

it.each(['localhost:9925', 'ftp://x', 'nonsense'])('refuses the target %s', (url) => {
  expect(() => NodeClient.forTarget({ url, username: undefined, password: undefined })).toThrow(
    `The target must be an address like http://localhost:9925, not ${url}`,
  );
});
