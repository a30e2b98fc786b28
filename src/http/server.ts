import type { OperationServices } from '../operation/operation.ts';
import { localUser } from '../operation/user/user.ts';
import { Closer } from '../runtime/closer.ts';
import type { Logger } from '../runtime/logger.ts';
import { createApplication } from './application.ts';
import { Authenticator } from './authenticate.ts';
import { listenOnDomainSocket } from './domain-socket.ts';
import { GracefulServer } from './graceful-server.ts';
import type { Health } from './health.ts';
import { listen } from './listen.ts';

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes a free port; the server tells which. */
  readonly port: number;
  /** Requests that come in here act as super user; the file can be opened by its owner only. */
  readonly socketPath?: string;
  /** Requests from this machine that say nothing about a user act as super user. Default: false. */
  readonly authorizeLocal?: boolean;
  readonly services: OperationServices;
  /** Asked at every `GET /health`. */
  readonly health: () => Health;
  readonly log: Logger;
  readonly bodyLimitBytes?: number;
  readonly headersTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly keepAliveTimeoutMs?: number;
  /** How long running requests may take once the server is closing. */
  readonly closeTimeoutMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  /** Whether requests are taken on the domain socket. */
  readonly hasDomainSocket: boolean;
}

/**
 * Serves the operations API. Resolves when it listens; closing it stops accepting at once and lets running
 * requests finish. The services stay the caller's.
 *
 * @throws CodedError `start_failed` in one line that says why
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { services, health, log, bodyLimitBytes = 1024 ** 3 } = options;
  let isStopping = false;
  const told = (): Health => (isStopping ? { ...health(), status: 'stopping' } : health());
  const authenticator = new Authenticator({
    authentication: services.authentication,
    authorizeLocal: options.authorizeLocal ?? false,
  });
  const common = { services, health: told, log, bodyLimitBytes };
  const timeouts = {
    headersTimeoutMs: options.headersTimeoutMs ?? 60_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 120_000,
    keepAliveTimeoutMs: options.keepAliveTimeoutMs ?? 5_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 5_000,
  };
  const closer = new Closer();
  try {
    const open = closer.own(
      'http server',
      new GracefulServer({
        ...timeouts,
        handle: createApplication({
          ...common,
          identify: (request) => authenticator.identify(request),
        }),
      }),
    );
    await listen(open.server, { host: options.host, port: options.port });
    let hasDomainSocket = false;
    if (options.socketPath !== undefined) {
      const trusted = closer.own(
        'domain socket',
        new GracefulServer({
          ...timeouts,
          handle: createApplication({
            ...common,
            identify: () => Promise.resolve({ user: localUser, address: 'domain socket' }),
          }),
        }),
      );
      hasDomainSocket = await listenOnDomainSocket(trusted.server, options.socketPath, log);
    }
    const address = open.server.address();
    return {
      port: typeof address === 'object' && address !== null ? address.port : options.port,
      hasDomainSocket,
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
