import type { Config } from '../config/config.ts';
import type { StoreOptions } from '../store/store-options.ts';

/** What both processes open the store with. */
export function storeOptions(config: Config): Omit<StoreOptions, 'role'> {
  return {
    path: config.store.path,
    nodeName: config.nodeName,
    mapSizeBytes: config.store.mapSizeBytes,
    maxTransactionBytes: config.store.maxTransactionBytes,
    minFreeDiskBytes: config.store.minFreeDiskBytes,
    maxClockSkewMs: config.clustering.maxClockSkewMs,
    maxQuarantineBytes: config.clustering.maxQuarantineBytes,
    logMaxAgeMs: config.log.maxAgeMs,
    logMaxBytes: config.log.maxBytes,
    tombstoneRetentionMs: config.tombstoneRetentionMs,
    tombstoneMaxMs: config.tombstoneMaxMs,
  };
}
