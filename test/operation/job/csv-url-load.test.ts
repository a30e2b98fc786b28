import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, test, vi } from 'vitest';
import { fetchUrl, type FetchOptions } from '../../../src/operation/job/fetch-url.ts';
import { isPublicAddress } from '../../../src/operation/job/public-address.ts';
import { dog } from '../dog.ts';
import { openJobContext } from './open-job-context.ts';

/** A real web server on every address of this host, which remembers what it was asked. */
class WebServer implements AsyncDisposable {
  readonly asked: (Pick<IncomingMessage, 'url' | 'headers'> & { readonly address: string | undefined })[] =
    [];
  readonly #server;

  constructor(answer: RequestListener) {
    this.#server = createServer((request, response) => {
      const { url, headers, socket } = request;
      this.asked.push({ url, headers, address: socket.localAddress });
      answer(request, response);
    });
  }

  static async open(answer: RequestListener): Promise<WebServer> {
    const server = new WebServer(answer);
    server.#server.listen(0, '0.0.0.0');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** As in production, but the address of the test's own server counts as public. */
function options(changes: Partial<FetchOptions> = {}): FetchOptions {
  return {
    headers: {},
    isPermitted: (address) => address === '127.0.0.1' || isPublicAddress(address),
    signal: new AbortController().signal,
    ...changes,
  };
}

test.each([
  'http://127.0.0.1:<port>/',
  'http://127.1:<port>/',
  'http://2130706433:<port>/',
  'http://0x7f000001:<port>/',
  'http://0.0.0.0:<port>/',
  'http://[::1]:<port>/',
  'http://[::ffff:127.0.0.1]:<port>/',
  'http://[::ffff:7f00:1]:<port>/',
  'http://169.254.169.254/latest/meta-data',
  'http://10.0.0.1/',
  'http://[fe80::1]/',
])('%s is refused before it is a job', async (url) => {
  await using server = await WebServer.open((_request, response) => response.end('id\n1\n'));
  await using t = await openJobContext();

  await expect(
    t.call({ operation: 'csv_url_load', ...dog, csv_url: url.replace('<port>', String(server.port)) }),
  ).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(/ is a loopback, link-local or private address: .*bulk\.allowPrivateUrls/),
  });
  expect(server.asked).toEqual([]);
});

test('a name that leads to a loopback address is an error of the job', async () => {
  await using server = await WebServer.open((_request, response) => response.end('id\n1\n'));
  await using t = await openJobContext();

  const url = `http://localhost:${server.port}/`;
  const job = await t.finish({ operation: 'csv_url_load', ...dog, csv_url: url });

  expect(job).toMatchObject({
    status: 'ERROR',
    message: expect.stringMatching(/^localhost is a loopback, link-local or private address/),
  });
  expect(server.asked).toEqual([]);
});

test.each(['file:///etc/passwd', 'ftp://host/x', 'dogs.csv', '', 5])('%j is not a valid url', async (url) => {
  await using t = await openJobContext();

  await expect(t.call({ operation: 'csv_url_load', ...dog, csv_url: url })).rejects.toMatchObject({
    message: typeof url === 'number' ? "'csv_url' must be a string" : "'csv_url' must be a valid url",
  });
});

test('where private addresses are allowed the file is loaded, with the headers of the caller', async () => {
  await using server = await WebServer.open((_request, response) => response.end('id,name\n1,Penny\n'));
  await using t = await openJobContext({ allowPrivateUrls: true });

  const job = await t.finish({
    operation: 'csv_url_load',
    ...dog,
    csv_url: `http://localhost:${server.port}/dogs.csv`,
    passthrough_headers: { 'x-token': 'secret' },
  });

  expect(job).toMatchObject({ status: 'COMPLETE', message: 'successfully loaded 1 of 1 records' });
  expect(await t.dogs()).toEqual([{ id: 1, name: 'Penny' }]);
  expect(server.asked[0]?.headers).toMatchObject({ 'x-token': 'secret' });
});

test('headers that HTTP does not allow are refused', async () => {
  await using t = await openJobContext();
  const ask = (passed: unknown): Promise<unknown> =>
    t.call({ operation: 'csv_url_load', ...dog, csv_url: 'http://a.example/', passthrough_headers: passed });

  await expect(ask({ 'x\r\ny': 'a' })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(ask({ x: 'a\r\nb' })).rejects.toMatchObject({ code: 'invalid_request' });
  await expect(ask({ x: 1 })).rejects.toMatchObject({ code: 'invalid_request' });
});

test('a server that does not have the file, or breaks off in it, is an error of the job', async () => {
  await using server = await WebServer.open((request, response) => {
    if (request.url === '/absent') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': 1_000 });
    response.write('id\n1\n', () => response.destroy());
  });
  await using t = await openJobContext({ allowPrivateUrls: true });
  const load = (path: string) =>
    t.finish({ operation: 'csv_url_load', ...dog, csv_url: `http://127.0.0.1:${server.port}${path}` });

  expect(await load('/absent')).toMatchObject({
    status: 'ERROR',
    message: `CSV Load failed from URL: http://127.0.0.1:${server.port}/absent, status code: 404, message: Not Found`,
  });
  expect(await load('/broken')).toMatchObject({
    status: 'ERROR',
    message: 'The file could not be read to its end: aborted',
  });
});

test('a server that answers with another protocol, or hangs up, is an error of the job', async () => {
  await using server = await WebServer.open(({ url, socket }) => {
    if (url === '/switch')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    else socket.destroy();
  });
  await using t = await openJobContext({ allowPrivateUrls: true });
  const url = `http://127.0.0.1:${server.port}`;
  const load = (path: string) => t.finish({ operation: 'csv_url_load', ...dog, csv_url: url + path });

  expect(await load('/switch')).toMatchObject({
    status: 'ERROR',
    message: `CSV Load failed from URL: ${url}/switch, status code: 101, message: Switching Protocols`,
  });
  expect(await load('/gone')).toMatchObject({
    status: 'ERROR',
    message: `CSV Load failed from URL: ${url}/gone: socket hang up`,
  });
});

test('a load whose table is dropped before its first row fails, and lets go of the server', async () => {
  await using t = await openJobContext({ allowPrivateUrls: true });
  const closed: string[] = [];
  await using server = await WebServer.open((request, response) => {
    response.once('close', () => closed.push(request.url ?? ''));
    void t.call({ operation: 'drop_table', ...dog }).then(() => response.write('id\n1\n'));
  });

  const url = `http://127.0.0.1:${server.port}/endless`;
  const job = await t.finish({ operation: 'csv_url_load', ...dog, csv_url: url });

  expect(job).toMatchObject({ status: 'ERROR', message: "Table 'dev.dog' does not exist" });
  await vi.waitFor(() => expect(closed).toEqual(['/endless']), 5_000);
});

test('a server that goes on too slowly is given up, in the head of its answer and in the file', async () => {
  let nowMs = 0;
  const steadyMs = (): number => (nowMs += 11 * 60_000);
  await using server = await WebServer.open((request, response) => {
    if (request.url === '/file') {
      response.write('id\n');
      return;
    }
    const { socket } = request;
    socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
    const timer = setInterval(() => socket.write('x'), 1);
    socket.once('close', () => clearInterval(timer));
  });
  const fetchFrom = (path: string, limits: { readonly answerTimeoutMs?: number }) =>
    fetchUrl(`http://127.0.0.1:${server.port}${path}`, options({ steadyMs, ...limits }));

  await expect(fetchFrom('/head', { answerTimeoutMs: 100 })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('/head: no answer for 0.1 s'),
  });
  const { stream } = await fetchFrom('/file', {});
  await expect(text(stream)).rejects.toThrow('it brought fewer than 640 KiB in 10 minutes');
});

test('a load from a slow server holds up no other job', async () => {
  const answers: ServerResponse[] = [];
  await using server = await WebServer.open((_request, response) => {
    answers.push(response);
    response.write('id\n1\n');
  });
  await using t = await openJobContext({ allowPrivateUrls: true });
  const url = { operation: 'csv_url_load', ...dog, csv_url: `http://127.0.0.1:${server.port}/` };
  const slow = (await t.call(url)) as { job_id: string };
  await vi.waitFor(() => expect(answers).toHaveLength(1), 10_000);

  expect(await t.finish({ operation: 'csv_data_load', ...dog, data: 'id\n2\n' })).toMatchObject({
    message: 'successfully loaded 1 of 1 records',
  });

  expect(t.context.jobs.get(slow.job_id)).toMatchObject({ status: 'IN_PROGRESS' });
  answers[0]?.end();
  expect(await t.ended(slow.job_id)).toMatchObject({ message: 'successfully loaded 1 of 1 records' });
});

test.each([
  'http://127.0.0.2:<port>/inside',
  'http://[::ffff:127.0.0.2]:<port>/inside',
  'http://localhost.localdomain:<port>/inside',
  'file:///etc/passwd',
])('a redirect to %s is not followed', async (target) => {
  await using server = await WebServer.open((request, response) => {
    if (request.url !== '/') response.end('id\n666\n');
    else response.writeHead(302, { location: target.replace('<port>', String(server.port)) }).end();
  });
  const resolve: FetchOptions['resolve'] = (_host, done) => done(null, [{ address: '127.0.0.3', family: 4 }]);

  await expect(fetchUrl(`http://127.0.0.1:${server.port}/`, options({ resolve }))).rejects.toMatchObject({
    code: 'invalid_request',
  });
  expect(server.asked.map(({ url }) => url)).toEqual(['/']);
});

test('redirects are followed a few times, and the headers of the caller stay with the first origin', async () => {
  await using second = await WebServer.open((_request, response) => response.end('id\n1\n'));
  await using first = await WebServer.open((request, response) => {
    const location = request.url === '/' ? '/again' : `http://127.0.0.1:${second.port}/`;
    response.writeHead(307, { location }).end();
  });
  await using round = await WebServer.open((_request, response) => {
    response.writeHead(301, { location: '/' }).end();
  });

  const response = await fetchUrl(
    `http://127.0.0.1:${first.port}/`,
    options({ headers: { authorization: 'secret' } }),
  );

  expect(await text(response.stream)).toBe('id\n1\n');
  expect(first.asked.map(({ headers }) => headers.authorization)).toEqual(['secret', 'secret']);
  expect(second.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  await expect(fetchUrl(`http://127.0.0.1:${round.port}/`, options())).rejects.toMatchObject({
    message: `http://127.0.0.1:${round.port}/ redirects more than 5 times`,
  });
});

test('the connection goes to the address that was checked: a second answer of the name server is not asked for', async () => {
  await using server = await WebServer.open((_request, response) => response.end('id\n1\n'));
  const answers = ['127.0.0.1', '127.0.0.2', '127.0.0.2'];
  let questions = 0;
  const resolve: FetchOptions['resolve'] = (_host, done) => {
    done(null, [{ address: answers[questions] ?? '', family: 4 }]);
    questions += 1;
  };

  const url = `http://rebound.example:${server.port}/`;
  expect(await text((await fetchUrl(url, options({ resolve }))).stream)).toBe('id\n1\n');

  expect(questions).toBe(1);
  expect(server.asked[0]?.address).toBe('127.0.0.1');
  await expect(fetchUrl(url, options({ resolve }))).rejects.toMatchObject({
    message: expect.stringMatching(/^rebound\.example is a loopback, link-local or private address/),
  });
  expect(server.asked).toHaveLength(1);
});

test.each(['status', 'redirect', 'loop', 'silence'])(
  'a password in the address is sent, and is in no message: %s',
  async (how) => {
    await using server = await WebServer.open((_request, response) => {
      if (how === 'status') response.writeHead(403).end();
      else if (how === 'redirect') response.writeHead(302, { location: 'http://[' }).end();
      else if (how === 'loop') response.writeHead(302, { location: '/' }).end();
      else response.destroy();
    });

    const fetched = fetchUrl(`http://reader:hush@127.0.0.1:${server.port}/dogs.csv`, options());

    await expect(fetched).rejects.toMatchObject({
      message: expect.stringMatching(/^(?!.*(reader|hush)).*http:\/\/127\.0\.0\.1:\d+\//),
    });
    expect(server.asked[0]?.headers.authorization).toBe(`Basic ${btoa('reader:hush')}`);
  },
);
