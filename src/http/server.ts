import { Server as SecureServer } from 'node:https';
import type { Server } from 'node:net';
import type { OperationServices } from '../operation/operation.ts';
import { localUser } from '../operation/user/user.ts';
import { Closer } from '../runtime/closer.ts';
import type { Logger } from '../runtime/logger.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import { createApplication } from './application.ts';
import { Authenticator } from './authenticate.ts';
import { ChangeFeed } from './changes/change-feed.ts';
import { defaultChangeTimes, type ChangeTimes } from './changes/change-stream.ts';
import {
  followCertificate,
  readCertificate,
  type CertificateFiles,
  type ServedCertificate,
} from './certificate.ts';
import type { CorsPolicy } from './cors.ts';
import { listenOnDomainSocket } from './domain-socket.ts';
import { GracefulServer } from './graceful-server.ts';
import type { Health } from './health.ts';
import { listen } from './listen.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free port; the server tells which. Undefined: no plain HTTP. */
  readonly port: number | undefined;
  /** Requests that come in here act as super user; the file can be opened by its owner only. */
  readonly socketPath?: string;
  /** Requests from this machine that say nothing about a user act as super user. */
  readonly authorizeLocal: boolean;
  readonly services: OperationServices;
  /** Asked at every `GET /health`. */
  readonly health: () => Health;
  readonly log: Logger;
  /** The same operations over TLS; a certificate whose files change is read again. */
  readonly secure?: CertificateFiles & { readonly port: number };
  readonly cors: CorsPolicy;
  readonly bodyLimitBytes: number;
  /** Of `GET /changes`. */
  readonly changeTimes?: Partial<ChangeTimes>;
  /** Shorter answers are not compressed. */
  readonly compressionThresholdBytes: number;
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly keepAliveTimeoutMs?: number;
  /** How long running requests may take once the server is closing. */
  readonly closeTimeoutMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number | undefined;
  readonly securePort: number | undefined;
}

/**
 * Serves the operations API. Resolves when it listens; closing it stops accepting at once and lets running
 * requests finish. The services stay the caller's.
 *
 * @throws CodedError `start_failed` in one line that says why
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { services, health, log, secure } = options;
  let isStopping = false;
  const told = (): Health => (isStopping ? { ...health(), status: 'stopping' } : health());
  const authenticator = new Authenticator({
    authentication: services.authentication,
    authorizeLocal: options.authorizeLocal,
  });
  const feed = new ChangeFeed({ store: services.store, log });
  const common = {
    feed,
    changeTimes: { ...defaultChangeTimes, ...options.changeTimes },
    services,
    health: told,
    log,
    broken: new RareLines({ log, level: 'info', message: 'answer not taken', field: 'address' }),
    refusals: new RareLines({ log, level: 'info', message: 'request refused', field: 'address' }),
    bodyLimitBytes: options.bodyLimitBytes,
    compressionThresholdBytes: options.compressionThresholdBytes,
    cors: options.cors,
  };
  const timeouts = {
    headersTimeoutMs: options.headersTimeoutMs ?? 60_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 120_000,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 5_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 5_000,
  };
  const untaken = new RareLines({ log, level: 'warn', message: 'connection not accepted', field: 'reason' });
  const onUntaken = ({ message }: Error): void => untaken.write(message);
  const handle = createApplication({
    ...common,
    identify: (request) => authenticator.identify(request),
    authenticate: (request) => authenticator.authenticate(request),
  });
  const closer = new Closer();
  const serve = async (
    name: string,
    port: number,
    portSetting: string,
    certificate?: ServedCertificate,
  ): Promise<GracefulServer['server']> => {
    const { server } = closer.own(name, new GracefulServer({ ...timeouts, handle, certificate }));
    await listen(server, { host: options.host, port, portSetting }, onUntaken);
    return server;
  };
  try {
    const plain =
      options.port === undefined ? undefined : await serve('http server', options.port, 'SERVER_PORT');
    const encrypted =
      secure &&
      (await serve(
        'https server',
        secure.port,
        'OPERATIONSAPI_NETWORK_SECUREPORT',
        await readCertificate(secure),
      ));
    if (secure && encrypted instanceof SecureServer)
      closer.own('certificate', followCertificate(encrypted, secure, log));
    if (options.socketPath !== undefined) {
      const trusting = createApplication({
        ...common,
        identify: () => Promise.resolve({ user: localUser, address: 'domain socket' }),
        authenticate: () => Promise.resolve(localUser),
      });
      const { server } = closer.own('domain socket', new GracefulServer({ ...timeouts, handle: trusting }));
      await listenOnDomainSocket(server, options.socketPath, { log, onError: onUntaken });
    }
    // Closed first: listeners do not end by themselves.
    closer.own('change feed', feed);
    return {
      port: plain && portOf(plain),
      securePort: encrypted && portOf(encrypted),
      async [Symbol.asyncDispose]() {
        isStopping = true;
        await closer[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await closer[Symbol.asyncDispose]();
    throw error;
  }
}

function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}
