import type { Config } from '../config/config.ts';
import type { Logger } from '../runtime/logger.ts';
import { RareLines } from '../runtime/rare-lines.ts';
import type { StoreOptions } from '../store/store-options.ts';

/** What both processes open the store with. */
export function storeOptions(config: Config, log: Logger): Omit<StoreOptions, 'role'> {
  const message = 'two writes have one stamp, see system.hdb_conflicts';
  const sameStamps = new RareLines({ log, level: 'warn', message, field: 'table' });
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
    onSameStamp: ({ database, name }) => sameStamps.write(`${database}.${name}`),
  };
}
