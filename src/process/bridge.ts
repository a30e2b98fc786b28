import { agreementKey, Proofs } from '../channel/agreement.ts';
import { Replication } from '../channel/replication.ts';
import { dataDirectory } from '../config/data-directory.ts';
import { Closer } from '../runtime/closer.ts';
import { FileLock } from '../runtime/file-lock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { LocalWrites } from '../store/local-writes.ts';
import { Store } from '../store/store.ts';
import { openNodeKeys } from '../stream/node-keys.ts';
import type { NodeSetup } from './node-setup.ts';
import { storeOptions } from './store-options.ts';

export interface RunningBridge extends AsyncDisposable {
  readonly replication: Replication;
  readonly localWrites: LocalWrites;
  /** Reads from now on see all that the api process has committed. */
  readonly refresh: () => void;
}

/** A bridge that is being replaced may need this long to be gone. */
const lockWaitMs = 10_000;

/**
 * Runs replication on the node's store.
 *
 * Takes the bridge lock before it touches NATS, so there are never two: two publishers of one stream would
 * each find the other's messages and begin it anew.
 *
 * @param openAlone opens the store while the api process commits nothing
 * @param shared the store of the api process when both run in one
 */
export async function startBridge(
  setup: NodeSetup,
  log: Logger,
  openAlone: (open: () => Promise<Store>) => Promise<Store>,
  shared?: Store,
): Promise<RunningBridge> {
  const { config, apiPort, clusterPort, version } = setup;
  const files = dataDirectory(config.rootPath);
  const closer = new Closer();
  try {
    closer.own('bridge lock', await FileLock.acquire(files.bridgeLock, { waitMs: lockWaitMs }));
    const { user = '', password = '' } = config.clustering;
    // Derived on another thread, meanwhile.
    const agreement = agreementKey(user, password);
    const keys = await openNodeKeys(files.keys, config.nodeName);
    let hint = (): void => {};
    const store =
      shared ??
      closer.own(
        'store',
        await openAlone(() =>
          Store.open({ ...storeOptions(config, log), role: 'bridge', onCommit: () => hint() }),
        ),
      );
    const replication = closer.own(
      'replication',
      new Replication({
        store,
        keys,
        user,
        password,
        proofs: new Proofs(await agreement),
        server: { host: config.host, port: clusterPort, directory: files.nats },
        apiPort,
        version,
        routes: config.clustering.routes,
        relayWaitMs: config.clustering.relayWaitMs,
        verifyIntervalMs: config.clustering.verifyIntervalMs,
        maxClockSkewMs: config.clustering.maxClockSkewMs,
        maxTransactionBytes: config.store.maxTransactionBytes,
        streamLimits: {
          maxBytes: config.clustering.stream.maxBytes,
          maxAgeMs: config.clustering.stream.maxAgeSeconds * 1_000,
        },
        log,
      }),
    );
    hint = () => replication.committed();
    replication.start();
    const { localWrites } = store;
    const refresh = (): void => store.refresh();
    return {
      replication,
      localWrites,
      refresh,
      [Symbol.asyncDispose]: () => closer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await closer[Symbol.asyncDispose]();
    throw error;
  }
}
