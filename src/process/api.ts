import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.ts';
import { startHttpServer } from '../http/server.ts';
import { CodedError, messageOf } from '../model/errors.ts';
import type { NodeControl } from '../operation/system/node-control.ts';
import type { ReplicationControl } from '../model/replication-control.ts';
import type { Authentication } from '../operation/operation.ts';
import { keepSuperUser } from '../operation/user/keep-super-user.ts';
import { Logins } from '../operation/user/logins.ts';
import { Sessions } from '../operation/user/sessions.ts';
import { openTokenKeys } from '../operation/user/token-keys.ts';
import { Tokens } from '../operation/user/tokens.ts';
import { Jobs } from '../operation/job/jobs.ts';
import { SupervisedProcess } from '../runtime/child-process.ts';
import { Closer } from '../runtime/closer.ts';
import { FileLock } from '../runtime/file-lock.ts';
import type { Logger } from '../runtime/logger.ts';
import { RunLoop } from '../runtime/run-loop.ts';
import { Store } from '../store/store.ts';
import { openNodeKeys } from '../stream/node-keys.ts';
import { writeServerConfig } from '../stream/server-config.ts';
import { provideCertificate } from './api-certificate.ts';
import { provideUsers } from './administrator.ts';
import { BridgeClient } from './bridge-client.ts';
import type { BridgeConfig } from './bridge-config.ts';
import type { BridgeProgram } from './bridge-program.ts';
import { findNatsServer } from './find-nats-server.ts';
import { endLeftoverNatsServer, spawnNatsServer } from './nats-server.ts';
import { prepareBulk } from './bulk-directories.ts';
import { claimPort, readPorts, writePorts } from './ports.ts';
import { storeOptions } from './store-options.ts';

export interface RunningApi extends AsyncDisposable {
  readonly port: number;
  readonly clusterPort: number | undefined;
}

/** What the process around the api lets operations do to the node. */
export type NodeAround = Omit<NodeControl, 'restartClustering'>;

interface Cluster {
  readonly replication: ReplicationControl;
  readonly states: () => { readonly bridge: string; readonly nats: string };
  /** Starts nats-server and the bridge again. */
  readonly restart: () => void;
  /** Resolves when replication runs, or after a while. */
  readonly ready: () => Promise<void>;
}

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const readyTimeoutMs = 8_000;

/**
 * The api process: opens the store, serves requests, and keeps nats-server and the bridge running.
 * It takes reads and writes while either is down.
 *
 * @throws CodedError `start_failed` in one line
 */
export async function startApi(
  config: Config,
  log: Logger,
  program: BridgeProgram,
  node: NodeAround,
): Promise<RunningApi> {
  const closer = new Closer();
  try {
    const bridge = new BridgeClient(() => store.hold());
    let onCommit = (): void => bridge.committed();
    const store: Store = closer.own(
      'store',
      await openStore(config, { onCommit: () => onCommit(), onWrite: () => bridge.writing() }),
    );
    await provideUsers(store, config);
    keepSuperUser(store);
    const maintenance = closer.own(
      'maintenance',
      new RunLoop({ name: 'maintenance', body: () => store.maintenance.step(), idleMs: 1_000, log }),
    );
    maintenance.start();
    const jobs = closer.own('jobs', await Jobs.open({ store, now: Date.now, log }));
    const clusterPort = config.clustering.enabled ? await clusterPortOf(config) : undefined;
    const version = readVersion();
    const authentication = await openAuthentication(store, config, log);
    let cluster: Cluster | undefined;
    const http = closer.own(
      'http server',
      await startHttpServer({
        host: config.host,
        port: await apiPortOf(config),
        ...(config.operationsApi.network.domainSocket === undefined
          ? {}
          : { socketPath: config.operationsApi.network.domainSocket }),
        ...(config.operationsApi.network.securePort === undefined
          ? {}
          : {
              secure: {
                port: config.operationsApi.network.securePort,
                ...(await provideCertificate(config, log)),
              },
            }),
        cors: config.operationsApi.network.cors,
        bodyLimitBytes: config.operationsApi.maxBodyBytes,
        authorizeLocal: config.authentication.authorizeLocal,
        compressionThresholdBytes: config.operationsApi.compressionThresholdBytes,
        services: {
          store,
          replication: config.clustering.enabled ? lazily(() => cluster?.replication) : undefined,
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
    writePorts(config.rootPath, {
      api: http.port,
      ...(clusterPort === undefined ? {} : { cluster: clusterPort }),
    });
    if (clusterPort !== undefined) {
      const settings: BridgeConfig = { config, apiPort: http.port, clusterPort, version };
      const started = config.bridge.inProcess
        ? await startInProcess(closer, settings, store, node, log)
        : await startProcesses(closer, settings, store, bridge, program, log);
      if (config.bridge.inProcess) onCommit = () => started.replication.wake();
      cluster = started;
      await started.ready();
    }
    // Closed first: no request is taken once the rest begins to stop.
    closer.own('requests', http);
    return { port: http.port, clusterPort, [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose]() };
  } catch (error) {
    await closer[Symbol.asyncDispose]();
    throw error;
  }
}

async function openStore(
  config: Config,
  hints: { readonly onCommit: () => void; readonly onWrite: () => void },
): Promise<Store> {
  try {
    // The bridge of a node that was killed may still be about to end, and commit: see {@link Store.hold}.
    await using _alone = await FileLock.acquire(join(config.rootPath, 'bridge.lock'), { waitMs: 10_000 });
    return await Store.open({ ...storeOptions(config), role: 'api', ...hints });
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
  const keys = await openTokenKeys(join(config.rootPath, 'keys'));
  return {
    logins: new Logins({ store, steadyMs: () => performance.now(), log }),
    tokens: new Tokens({ store, keys, operationTokenTimeoutMs, refreshTokenTimeoutMs, now: Date.now }),
    sessions: enableSessions
      ? new Sessions({ store, timeoutMs: operationTokenTimeoutMs, now: Date.now })
      : undefined,
  };
}

async function clusterPortOf(config: Config): Promise<number> {
  await endLeftoverNatsServer(join(config.rootPath, 'nats'));
  return claimPort(config.host, config.clustering.port, readPorts(config.rootPath).cluster);
}

/** For port 0 the port of the last run, while it is free: clients know it. */
async function apiPortOf(config: Config): Promise<number> {
  const { port } = config.operationsApi.network;
  return port === 0 ? claimPort(config.host, 0, readPorts(config.rootPath).api) : port;
}

async function startNats(
  closer: Closer,
  { config, clusterPort }: BridgeConfig,
  log: Logger,
): Promise<SupervisedProcess> {
  const server = await findNatsServer({ configuredPath: config.natsServerBin });
  const directory = join(config.rootPath, 'nats');
  const configFile = writeServerConfig({
    directory,
    template: join(packageRoot, 'nats-config', 'node.conf'),
    nodeName: config.nodeName,
    host: config.host,
    port: clusterPort,
    keys: await openNodeKeys(join(config.rootPath, 'keys'), config.nodeName),
    // Each stream has its own limit; the server refuses streams whose limits add up to more than this.
    maxFileBytes: config.clustering.stream.maxBytes * 10_000,
  });
  const nats = closer.own(
    'nats-server',
    new SupervisedProcess({
      name: 'nats-server',
      spawn: () => spawnNatsServer(server.path, configFile, join(directory, 'nats.log')),
      log,
    }),
  );
  nats.start();
  return nats;
}

async function startProcesses(
  closer: Closer,
  settings: BridgeConfig,
  store: Store,
  client: BridgeClient,
  program: BridgeProgram,
  log: Logger,
): Promise<Cluster> {
  const nats = await startNats(closer, settings, log);
  const bridge = closer.own(
    'bridge',
    new SupervisedProcess({
      name: 'bridge',
      spawn: () => program.start(),
      onStart: (child) => client.attach(child, { kind: 'start', config: settings }),
      // Reader slots of a process that died would keep old pages for ever.
      onExit: () => store.checkReaders(),
      log,
    }),
  );
  bridge.start();
  return {
    replication: client,
    states: () => ({
      bridge: client.isReady ? 'running' : bridge.state.kind === 'running' ? 'starting' : bridge.state.kind,
      nats: nats.state.kind,
    }),
    ready: () => client.ready(readyTimeoutMs),
    restart: () => {
      Promise.all([nats.restart(), bridge.restart()]).catch((error: unknown) => {
        log.error({ err: error }, 'clustering not restarted');
      });
    },
  };
}

async function startInProcess(
  closer: Closer,
  settings: BridgeConfig,
  store: Store,
  node: NodeAround,
  log: Logger,
): Promise<Cluster> {
  // Else this process does not need what replication needs.
  const { startBridge } = await import('./bridge.ts');
  const nats = await startNats(closer, settings, log);
  const { replication } = closer.own('bridge', await startBridge(settings, log, (open) => open(), store));
  return {
    replication,
    states: () => ({ bridge: 'running', nats: nats.state.kind }),
    ready: () => Promise.resolve(),
    // It runs in this process, which restarts as a whole.
    restart: () => node.restart(),
  };
}

function restartClustering(cluster: Cluster | undefined): void {
  if (cluster === undefined) throw new CodedError('clustering_disabled', 'Clustering is not running');
  cluster.restart();
}

/** The control before the bridge was started at all: not available yet. */
function lazily(control: () => ReplicationControl | undefined): ReplicationControl {
  const present = (): ReplicationControl => {
    const found = control();
    if (!found) throw new CodedError('unavailable', 'The bridge is starting');
    return found;
  };
  return {
    status: async () => present().status(),
    connect: async (node, timeoutMs) => present().connect(node, timeoutMs),
    network: async (timeoutMs) => present().network(timeoutMs),
    verify: async (database, table, node, timeoutMs) => present().verify(database, table, node, timeoutMs),
    purge: async (database, table) => present().purge(database, table),
    wake: () => control()?.wake(),
  };
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  return manifest.version;
}
