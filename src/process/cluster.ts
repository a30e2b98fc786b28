import { join } from 'node:path';
import { dataDirectory } from '../config/data-directory.ts';
import type { ReplicationControl } from '../model/replication-control.ts';
import { SupervisedProcess } from '../runtime/child-process.ts';
import type { Closer } from '../runtime/closer.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Store } from '../store/store.ts';
import { openNodeKeys } from '../stream/node-keys.ts';
import { writeServerConfig } from '../stream/server-config.ts';
import { BridgeClient } from './bridge-client.ts';
import type { NodeSetup } from './node-setup.ts';
import type { BridgeProgram } from './bridge-program.ts';
import { BridgeWatchdog } from './bridge-watchdog.ts';
import type { NatsProgram } from './nats-program.ts';
import { packageRoot } from './package-root.ts';

/** What takes the node's tables to its peers: its nats-server and its bridge. */
export interface Cluster {
  readonly replication: ReplicationControl;
  readonly states: () => { readonly bridge: string; readonly nats: string };
  /** Starts nats-server and the bridge again. */
  readonly restart: () => void;
  /** Resolves when replication runs, or after a while. */
  readonly ready: () => Promise<void>;
  /** Hints of the store: something was committed, a client is about to write. */
  readonly committed: () => void;
  readonly writing: () => void;
}

const readyTimeoutMs = 8_000;

export interface ClusterOptions {
  readonly closer: Closer;
  readonly setup: NodeSetup;
  /** From {@link startNats}. */
  readonly nats: SupervisedProcess;
  readonly store: Store;
  /** Resolves when the users are there, among them whom a peer that joins has to prove to be. */
  readonly users: Promise<void>;
  readonly program: BridgeProgram;
  /** Starts this process again. */
  readonly restart: () => void;
  readonly log: Logger;
}

/** Starts nats-server, whose configuration is written each time. @throws Error when none is found */
export async function startNats(
  closer: Closer,
  { config, clusterPort }: NodeSetup,
  program: NatsProgram,
  log: Logger,
): Promise<SupervisedProcess> {
  const spawn = await program.find();
  const { nats: directory, keys } = dataDirectory(config.rootPath);
  const serverConfig = {
    directory,
    template: join(packageRoot, 'nats-config', 'node.conf'),
    nodeName: config.nodeName,
    host: config.host,
    port: clusterPort,
    keys: await openNodeKeys(keys, config.nodeName),
    // Each stream has its own limit; the server refuses streams whose limits add up to more than this.
    maxFileBytes: config.clustering.stream.maxBytes * 10_000,
  };
  const nats = closer.own(
    'nats-server',
    new SupervisedProcess({
      name: 'nats-server',
      // Written here: what cannot be written, as on a full disk, is tried again, and the API serves meanwhile.
      spawn: () => spawn(writeServerConfig(serverConfig), join(directory, 'nats.log')),
      log,
    }),
  );
  nats.start();
  return nats;
}

/** Starts the bridge beside its nats-server. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  return options.setup.config.bridge.inProcess ? startBridgeHere(options) : startBridgeProcess(options);
}

/** The bridge as a process of its own. */
function startBridgeProcess(options: ClusterOptions): Cluster {
  const { closer, setup, nats, store, users, program, log } = options;
  const client = new BridgeClient({
    holdCommits: async () => {
      await Promise.allSettled([users]);
      return store.hold();
    },
    hasReaders: () => !store.nodes.isEmpty,
    log,
  });
  const bridge = closer.own(
    'bridge',
    new SupervisedProcess({
      name: 'bridge',
      spawn: () => program.start(),
      onStart: (child) => client.attach(child, { kind: 'start', setup }),
      // Reader slots of a process that died would keep old pages for ever.
      onExit: () => store.checkReaders(),
      log,
    }),
  );
  bridge.start();
  const watchdog = closer.own(
    'bridge watchdog',
    new BridgeWatchdog({
      lockWaitMs: () => store.lockWaitMs,
      pid: () => (bridge.state.kind === 'running' ? bridge.state.pid : undefined),
      answers: (withinMs) => client.answers(withinMs),
      end: () => bridge.sendSignal('SIGKILL'),
      log,
    }),
  );
  watchdog.start();
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
    committed: () => client.committed(),
    writing: () => client.writing(),
  };
}

/** The bridge in this process. */
async function startBridgeHere(options: ClusterOptions): Promise<Cluster> {
  const { closer, setup, nats, store, users, restart, log } = options;
  await users;
  // Else this process does not need what replication needs.
  const { startBridge } = await import('./bridge.ts');
  const { replication } = closer.own('bridge', await startBridge(setup, log, (open) => open(), store));
  return {
    replication,
    states: () => ({ bridge: 'running', nats: nats.state.kind }),
    ready: () => Promise.resolve(),
    restart,
    committed: () => replication.committed(),
    // They share the store.
    writing: () => {},
  };
}
