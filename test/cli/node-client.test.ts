import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { expect, it, vi } from 'vitest';
import { makeCertificate } from '../../src/stream/make-certificate.ts';
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

const nobody = { username: undefined, password: undefined };

async function listening(server: Server): Promise<AsyncDisposable & { readonly port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
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

it('asks a target without fetch(), which gives up after five minutes', async () => {
  await using echo = new Echo();
  const port = await echo.listen(0);
  const client = NodeClient.forTarget({ url: `http://127.0.0.1:${port}`, ...nobody });
  const asked = vi.spyOn(globalThis, 'fetch');

  const { content, bytes } = await client.download({ operation: 'get_backup' });
  const text = await readAll(content);

  expect(asked).not.toHaveBeenCalled();
  expect(text).toContain('get_backup');
  expect(bytes).toBe(Buffer.byteLength(text));
  asked.mockRestore();
});

it('says why a target was not asked, did not answer in time, hung up or sent it elsewhere', async () => {
  const { certificate, privateKey } = await makeCertificate('n1');
  await using secure = await listening(createSecureServer({ cert: certificate, key: privateKey }));
  await using server = await listening(
    createServer((request, response) => {
      if (request.url === '/slow') response.write('{');
      else if (request.headers['content-length'] === '2')
        response.writeHead(308, { location: '/slow' }).end();
      else if (request.method === 'GET')
        response.socket?.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
        );
      else response.destroy();
    }),
  );
  const client = NodeClient.forTarget({ url: `http://127.0.0.1:${server.port}`, ...nobody });
  const trusting = NodeClient.forTarget({ url: `https://127.0.0.1:${secure.port}`, ...nobody });
  const failed = (reason: string) =>
    `The connection to the node at http://127.0.0.1:${server.port}/ failed (${reason})`;

  await expect(trusting.ask('/')).rejects.toThrow(/ failed \((DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED.*)\)$/);
  await expect(client.ask('/slow', { timeoutMs: 500 })).rejects.toThrow('The node does not answer in time');
  await expect(client.run({ operation: 'x' })).rejects.toThrow(failed('ECONNRESET'));
  await expect(client.ask('/')).rejects.toThrow(failed('closed without an answer'));
  await expect(client.run({})).rejects.toThrow('The node answered 308');
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
