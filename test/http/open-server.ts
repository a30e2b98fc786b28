import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Health } from '../../src/http/health.ts';
import { startHttpServer, type HttpServer, type HttpServerOptions } from '../../src/http/server.ts';
import type { OperationServices } from '../../src/operation/operation.ts';
import { Closer } from '../../src/runtime/closer.ts';
import type { Later } from '../../src/runtime/later.ts';
import type { Environment } from '../../src/store/environment.ts';
import { LmdbEnvironment } from '../../src/store/lmdb-environment.ts';
import { Store } from '../../src/store/store.ts';
import { checkAnswer } from '../operation/check-answer.ts';
import { openAuthentication, type TestAuthentication } from '../operation/open-authentication.ts';
import { openServices } from '../operation/open-services.ts';
import { putQuickUser } from '../operation/quick-user.ts';

export const admin = `Basic ${Buffer.from('admin:pass:word').toString('base64')}`;

/** Of a server, as far as a test does not say. */
export const standardSettings = {
  host: '127.0.0.1',
  port: 0,
  authorizeLocal: false,
  cors: { enabled: false, accessList: [] },
  bodyLimitBytes: 1024 ** 3,
  compressionThresholdBytes: 1_200,
};

/** A real server over a real store, with the administrator `admin`. */
export interface TestServer extends AsyncDisposable {
  readonly store: Store;
  readonly services: OperationServices;
  readonly server: HttpServer;
  readonly authentication: TestAuthentication;
  readonly url: string;
  readonly directory: string;
  /** What the server has logged. */
  readonly logged: readonly string[];
  health: Health;
  /** Checks the answer against the definition of the operation. */
  post(body: unknown, authorization?: string): Promise<{ readonly status: number; readonly body: unknown }>;
  postText(text: string | Buffer, authorization?: string): Promise<Response>;
}

export interface TestServerOptions extends Partial<Omit<HttpServerOptions, 'services'>> {
  /** What the store sees in place of its environment. */
  readonly watch?: (environment: Environment) => Environment;
  /** In place of the services of the tests; told the directory of the server. */
  readonly services?: (directory: string) => Partial<OperationServices>;
  /** Of the store. */
  readonly maxReaders?: number;
  readonly later?: Later;
  /** Of the brake on logins. */
  readonly steadyMs?: () => number;
  /** Of the services; milliseconds since 1970. */
  readonly now?: () => number;
}

/** @throws what kept it from starting, once nothing is left of it */
export async function openServer(options: TestServerOptions = {}): Promise<TestServer> {
  const closer = new Closer();
  try {
    return await openOwned(closer, options);
  } catch (error) {
    await closer[Symbol.asyncDispose]();
    throw error;
  }
}

async function openOwned(
  closer: Closer,
  {
    watch = (environment) => environment,
    services = () => ({}),
    maxReaders,
    later,
    steadyMs,
    now,
    ...options
  }: TestServerOptions,
): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), 'lyre-http-'));
  closer.defer('directory', () => rm(directory, { recursive: true }));
  const environment = new LmdbEnvironment({
    path: join(directory, 'db'),
    mapSizeBytes: 2 ** 28,
    ...(maxReaders !== undefined && { maxReaders }),
  });
  const store = closer.own(
    'store',
    await Store.over(watch(environment), { nodeName: 'n1', role: 'api', ...(later && { later }) }),
  );
  await putQuickUser(store, { username: 'admin', password: 'pass:word', role: 'super_user' });
  const logged: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(line) });
  const authentication = openAuthentication(store, {
    log,
    ...(steadyMs && { steadyMs }),
    ...(now && { now }),
  });
  const opened = closer.own('services', await openServices(store, { authentication }));
  const served = { ...opened.services, ...(now && { now }), ...services(directory) };
  const server = closer.own(
    'server',
    await startHttpServer({
      ...standardSettings,
      services: served,
      health: () => test.health,
      log,
      ...options,
    }),
  );
  const url = `http://127.0.0.1:${server.port}/`;
  const postText = (text: string | Buffer, authorization = admin): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) },
      body: text,
    });
  const test: TestServer = {
    store,
    services: served,
    server,
    authentication,
    url,
    directory,
    logged,
    health: { status: 'ok', bridge: 'running', nats: 'running' },
    postText,
    async post(body, authorization) {
      const response = await postText(JSON.stringify(body), authorization);
      const answer: unknown = await response.json();
      if (response.status === 200) checkAnswer(body, answer);
      return { status: response.status, body: answer };
    },
    [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
  };
  return test;
}
