import type { Config } from '../config/config.ts';
import { dataDirectory } from '../config/data-directory.ts';
import { startHttpServer, type HttpServerOptions } from '../http/server.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import type { NodeControl } from '../operation/system/node-control.ts';
import type { Authentication } from '../operation/operation.ts';
import { keepSuperUser } from '../operation/user/keep-super-user.ts';
import { Logins } from '../operation/user/logins.ts';
import { Sessions } from '../operation/user/sessions.ts';
import { openTokenKeys } from '../operation/user/token-keys.ts';
import { Tokens } from '../operation/user/tokens.ts';
import { Jobs } from '../operation/job/jobs.ts';
import { Closer } from '../runtime/closer.ts';
import { FileLock } from '../runtime/file-lock.ts';
import type { Logger } from '../runtime/logger.ts';
import { RunLoop } from '../runtime/run-loop.ts';
import { Store } from '../store/store.ts';
import { provideCertificate } from './api-certificate.ts';
import { provideUsers } from './administrator.ts';
import { prepareBulk } from './bulk-directories.ts';
import { startCluster, startNats, type Cluster } from './cluster.ts';
import { claimPort, holdPort } from './held-port.ts';
import { endLeftoverNatsServer } from './leftover-nats-server.ts';
import type { NodePrograms } from './node-programs.ts';
import type { NodeSetup } from './node-setup.ts';
import { packageVersion } from './package-root.ts';
import { readPorts, writePorts, type Ports } from './ports-file.ts';
import { storeOptions } from './store-options.ts';

export interface RunningApi extends AsyncDisposable {
  /** Undefined: TLS only. */
  readonly port: number | undefined;
  readonly securePort: number | undefined;
  readonly clusterPort: number | undefined;
}

/** What the process around the api lets operations do to the node. */
export type NodeAround = Omit<NodeControl, 'restartClustering'>;

/**
 * The api process: opens the store, serves requests, and keeps nats-server and the bridge running.
 * It takes reads and writes while either is down.
 *
 * What takes longest to be there begins first: nats-server before the store is opened, the bridge right after.
 *
 * @throws CodedError `start_failed` in one line
 */
export async function startApi(
  config: Config,
  log: Logger,
  programs: NodePrograms,
  node: NodeAround,
): Promise<RunningApi> {
  const closer = new Closer();
  try {
    const version = packageVersion();
    const { ports, letGo } = await claimPorts(closer, config);
    const { securePort } = config.operationsApi.network;
    const setup: NodeSetup | undefined =
      ports.cluster === undefined
        ? undefined
        : { config, apiPort: ports.api ?? securePort ?? 0, clusterPort: ports.cluster, version };
    const nats = setup && (await startNats(closer, setup, programs.nats, log));
    let cluster: Cluster | undefined;
    const store = closer.own(
      'store',
      await openStore(config, log, {
        onCommit: () => cluster?.committed(),
        onWrite: () => cluster?.writing(),
      }),
    );
    const users = provideUsers(store, config);
    if (setup && nats) {
      cluster = await startCluster({
        closer,
        setup,
        nats,
        store,
        users,
        program: programs.bridge,
        restart: () => node.restart(),
        log,
      });
    }
    await users;
    keepSuperUser(store);
    const maintenance = closer.own(
      'maintenance',
      new RunLoop({ name: 'maintenance', body: () => store.maintenance.step(), idleMs: 1_000, log }),
    );
    maintenance.start();
    const jobs = closer.own('jobs', await Jobs.open({ store, now: Date.now, log }));
    const authentication = await openAuthentication(store, config, log);
    await letGo();
    const http = closer.own(
      'http server',
      await startHttpServer({
        ...(await httpOptions(config, log)),
        port: ports.api,
        services: {
          store,
          replication: cluster?.replication,
          authentication,
          version,
          node: { ...node, restartClustering: () => restartClustering(cluster) },
          now: Date.now,
          jobs,
          bulk: prepareBulk(config, log),
        },
        health: () => ({ status: 'ok', ...(cluster?.states() ?? { bridge: 'off', nats: 'off' }) }),
        log,
      }),
    );
    rememberPorts(config.rootPath, { ...ports, api: http.port }, log);
    await cluster?.ready();
    // Closed first: no request is taken once the rest begins to stop.
    closer.own('requests', http);
    return {
      port: http.port,
      securePort: http.securePort,
      clusterPort: ports.cluster,
      [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await closer[Symbol.asyncDispose]();
    throw error;
  }
}

async function openStore(
  config: Config,
  log: Logger,
  hints: { readonly onCommit: () => void; readonly onWrite: () => void },
): Promise<Store> {
  try {
    // The bridge of a node that was killed may still be about to end, and commit: see {@link Store.hold}.
    await using _alone = await FileLock.acquire(dataDirectory(config.rootPath).bridgeLock, {
      waitMs: 10_000,
    });
    return await Store.open({ ...storeOptions(config, log), role: 'api', ...hints });
  } catch (cause) {
    throw new CodedError(
      'start_failed',
      `The store in ${config.store.path} cannot be opened: ${messageOf(cause)}`,
      { cause },
    );
  }
}

async function openAuthentication(store: Store, config: Config, log: Logger): Promise<Authentication> {
  const { enableSessions, operationTokenTimeoutMs, refreshTokenTimeoutMs } = config.authentication;
  const keys = await openTokenKeys(dataDirectory(config.rootPath).keys);
  return {
    logins: new Logins({ store, steadyMs: () => performance.now(), log }),
    tokens: new Tokens({ store, keys, operationTokenTimeoutMs, refreshTokenTimeoutMs, now: Date.now }),
    sessions: enableSessions
      ? new Sessions({ store, timeoutMs: operationTokenTimeoutMs, now: Date.now })
      : undefined,
  };
}

/** What the configuration says about the server. */
async function httpOptions(
  config: Config,
  log: Logger,
): Promise<Omit<HttpServerOptions, 'port' | 'services' | 'health' | 'log'>> {
  const { network, maxBodyBytes, compressionThresholdBytes } = config.operationsApi;
  const { domainSocket, securePort, cors } = network;
  return {
    host: config.host,
    ...(domainSocket === undefined ? {} : { socketPath: domainSocket }),
    ...(securePort === undefined
      ? {}
      : { secure: { port: securePort, ...(await provideCertificate(config, log)) } }),
    cors,
    bodyLimitBytes: maxBodyBytes,
    authorizeLocal: config.authentication.authorizeLocal,
    compressionThresholdBytes,
  };
}

/**
 * Where the node will listen. For port 0 that is where it listened last, while it is free: others know it. The port of
 * the API, which is served last, is held until `letGo`.
 */
async function claimPorts(
  closer: Closer,
  { rootPath, host, operationsApi, clustering }: Config,
): Promise<{ readonly ports: Ports; readonly letGo: () => Promise<void> }> {
  const last = readPorts(rootPath) ?? {};
  const { port } = operationsApi.network;
  const held = port === 0 ? closer.own('port', await holdPort(host, last.api)) : undefined;
  const letGo = async (): Promise<void> => held?.[Symbol.asyncDispose]();
  const api = held?.port ?? port;
  if (!clustering.enabled) return { ports: { api }, letGo };
  await endLeftoverNatsServer(dataDirectory(rootPath).nats);
  return { ports: { api, cluster: await claimPort(host, clustering.port, last.cluster) }, letGo };
}

/** Without, the next start may take other ports where any are allowed: no reason not to serve. */
function rememberPorts(rootPath: string, ports: Ports, log: Logger): void {
  try {
    writePorts(rootPath, ports);
  } catch (err) {
    log.warn({ err }, 'ports not written');
  }
}

function restartClustering(cluster: Cluster | undefined): void {
  if (cluster === undefined) throw new CodedError('clustering_disabled', 'Clustering is not running');
  cluster.restart();
}
