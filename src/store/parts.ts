import type { Origin } from '../model/change.ts';
import { inRealTime } from '../runtime/later.ts';
import { Applier } from './applier.ts';
import { Archive } from './archive.ts';
import { Catalog } from './catalog.ts';
import { ChangeLog } from './change-log.ts';
import { ClockGuard } from './clock-guard.ts';
import { Collected } from './collected.ts';
import type { Commit } from './commit.ts';
import type { Commits } from './commits.ts';
import { Comparison } from './comparison.ts';
import { Confirmed } from './confirmed.ts';
import { Conflicts } from './conflicts.ts';
import { CopyApplier } from './copy-applier.ts';
import { Cursors } from './cursors.ts';
import { Definitions } from './definitions.ts';
import { Digests } from './digests.ts';
import { EnduranceGauge } from './endurance.ts';
import type { CommitKind, Environment } from './environment.ts';
import { Heard } from './heard.ts';
import { Isolation } from './isolation.ts';
import type { LocalWrites } from './local-writes.ts';
import { LocalRemoval } from './local-removal.ts';
import { LogRetention } from './log-retention.ts';
import { LongReads } from './long-reads.ts';
import { Maintenance } from './maintenance.ts';
import { Marks } from './marks.ts';
import { Merger } from './merger.ts';
import { Nodes } from './nodes.ts';
import { Origins } from './origins.ts';
import { PacedApplier } from './paced-applier.ts';
import { QuarantineTally } from './quarantine-tally.ts';
import { Quarantine } from './quarantine.ts';
import { Records } from './records.ts';
import { Spool } from './spool.ts';
import type { ConflictBounds, OpenStoreOptions } from './store-options.ts';
import { TableSearch } from './table-search.ts';
import { TombstoneCollector } from './tombstone-collector.ts';
import { Tombstones } from './tombstones.ts';
import { Writer } from './writer.ts';

const usualConflictBounds: ConflictBounds = {
  maxAgeMs: 30 * 86_400_000,
  maxCount: 10_000,
  maxBytes: 256 * 2 ** 20,
};
const usualTransactionBytes = 64 * 2 ** 20;
const maxQuarantinedPerPeer = 1_000;

/** What the parts of a store share. */
export interface StoreGround {
  readonly environment: Environment;
  readonly options: OpenStoreOptions;
  readonly localWrites: LocalWrites;
  readonly commits: Commits;
  /** What this store signs its own changes with. */
  readonly identity: () => Origin;
  /** Wall clock, ms since 1970. */
  readonly now: () => number;
}

export type StoreParts = ReturnType<typeof makeParts>;

/** Puts the parts of a store together. */
export function makeParts({ environment, options, localWrites, commits, identity, now }: StoreGround) {
  const catalog = new Catalog(environment.trees.catalog, () => commits.catalogVersion);
  environment.onAbort(() => catalog.forget());
  const run = <T>(body: (commit: Commit) => T, kind?: CommitKind): Promise<T> => commits.run(body, kind);
  const runSmall = async <T>(body: (commit: Commit) => T): Promise<T> => run(body, 'small');
  const tombstones = new Tombstones(environment);
  const tally = new QuarantineTally(environment);
  const longReads = new LongReads(options.later ?? inRealTime);
  const origins = new Origins(environment);
  const records = new Records({ environment, origins, tombstones, quarantined: tally, longReads });
  const log = new ChangeLog(environment);
  const cursors = new Cursors(environment);
  const marks = new Marks(environment);
  const confirmed = new Confirmed({
    environment,
    publishedTo: (peer): ReadonlySet<number> => nodes.publishedTo(peer),
    run: runSmall,
    now,
  });
  const maxTransactionBytes = options.maxTransactionBytes ?? usualTransactionBytes;
  // What frames small rows is more than they are; and another node may be set to commit more at a time than this one.
  const maxItemBytes = 4 * Math.max(maxTransactionBytes, usualTransactionBytes);
  const spool = new Spool(environment, maxItemBytes);
  const collected = new Collected({ records, tombstones, marks, identity });
  const writer = new Writer({
    catalog,
    records,
    log,
    identity,
    maxTransactionBytes,
  });
  const retentionMs = options.tombstoneRetentionMs ?? 30 * 86_400_000;
  const heard = new Heard({
    environment,
    nodes: () => nodes,
    run: runSmall,
    stepMs: Math.min(600_000, retentionMs / 50),
    now,
  });
  const nodes = new Nodes({ catalog, records, writer, confirmed, spool, run: runSmall });
  const localRemoval = new LocalRemoval({ catalog, records, nodes, writer });
  const quarantine = new Quarantine({
    catalog,
    records,
    writer,
    tally,
    maxPerPeer: maxQuarantinedPerPeer,
    maxBytesPerPeer: options.maxQuarantineBytes ?? 64 * 2 ** 20,
  });
  const definitions = new Definitions({
    catalog,
    cursors,
    marks,
    confirmed,
    heard,
    spool,
    quarantine,
    nodes,
    run,
  });
  const conflicts = new Conflicts({
    catalog,
    records,
    writer,
    bounds: { ...usualConflictBounds, ...options.conflictBounds },
    onSameStamp: options.onSameStamp ?? (() => {}),
  });
  const merger = new Merger({
    catalog,
    records,
    log,
    conflicts,
    archive: new Archive({ catalog, writer }),
    nodes,
    collected,
    identity,
    // Another node may forget sooner than this one.
    forgottenMs: Math.min(retentionMs / 2, 12 * 3_600_000),
  });
  const clockGuard = new ClockGuard(options.maxClockSkewMs ?? 300_000);
  const isolation = new Isolation({
    catalog,
    cursors,
    merger,
    nodes,
    quarantine,
    clockGuard,
  });
  const copyApplier = new CopyApplier({ catalog, cursors, merger, isolation, collected });
  const pacedApplier = new PacedApplier({
    applier: new Applier({
      catalog,
      merger,
      log,
      cursors,
      marks,
      collected,
      spool,
      quarantine,
      isolation,
      identity,
    }),
    copyApplier,
    localWrites,
    run,
  });
  const comparison = new Comparison({
    catalog,
    merger,
    cursors,
    marks,
    collected,
    quarantine,
    isolation,
    run,
  });
  const limits = {
    maxAgeMs: options.logMaxAgeMs ?? 30 * 86_400_000,
    maxBytes: options.logMaxBytes ?? 10 * 2 ** 30,
  };
  const endurance = new EnduranceGauge({ log, ...limits, now });
  const retention = new LogRetention({
    log,
    confirmed,
    endurance,
    ...limits,
    noticeMs: options.logNoticeMs ?? 60_000,
    localWrites,
    run: runSmall,
    now,
  });
  const maintenance = new Maintenance({
    catalog,
    records,
    log,
    conflicts,
    quarantine,
    isolation,
    retention,
    localWrites,
    collector: new TombstoneCollector({
      catalog,
      records,
      tombstones,
      collected,
      confirmed,
      heard,
      run: runSmall,
      retentionMs,
      maxMs: options.tombstoneMaxMs ?? 365 * 86_400_000,
      now,
    }),
    hasRoom: () => environment.shortage === undefined,
    run: runSmall,
    now,
  });
  return {
    maxItemBytes,
    catalog,
    records,
    writer,
    clockGuard,
    copyApplier,
    pacedApplier,
    comparison,
    conflicts,
    digests: new Digests(records),
    tableSearch: new TableSearch({ environment, records, longReads, definitions }),
    isolation,
    definitions,
    localRemoval,
    nodes,
    log,
    longReads,
    cursors,
    spool,
    confirmed,
    heard,
    endurance,
    tombstones,
    collected,
    marks,
    maintenance,
    quarantine,
  };
}
