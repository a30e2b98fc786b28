import type { Change, Document, Key, Origin, Stamp } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import type { Query } from '../model/query.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { ChannelItem, WholeItem } from '../model/transaction.ts';
import { Applier, type ApplyResult, type CopyPage, type Source } from './applier.ts';
import { Archive, archiveTable } from './archive.ts';
import { Catalog } from './catalog.ts';
import { ChangeLog } from './change-log.ts';
import { Commit, readStoreState, readTableState } from './commit.ts';
import { Collected, type Knowledge } from './collected.ts';
import { Confirmed } from './confirmed.ts';
import { copyRows, type CopiedRows } from './copy-rows.ts';
import { Cursors, type Cursor } from './cursors.ts';
import { ClockGuard } from './clock-guard.ts';
import { Conflicts, conflictsTable } from './conflicts.ts';
import { Definitions } from './definitions.ts';
import { EnduranceGauge } from './endurance.ts';
import type { Environment } from './environment.ts';
import { IdentityClaim, readIdentity, redrawIdentity } from './identity.ts';
import { LmdbEnvironment } from './lmdb-environment.ts';
import { LogRetention } from './log-retention.ts';
import { LocalWrites } from './local-writes.ts';
import { Maintenance } from './maintenance.ts';
import { Marks } from './marks.ts';
import {
  digestPage,
  digestRange,
  listRange,
  stampOf,
  type DigestEntry,
  type HashedStamp,
  type KeyRange,
  type RangeDigest,
} from './digest.ts';
import { Merger } from './merger.ts';
import { Nodes } from './nodes.ts';
import { Origins } from './origins.ts';
import { PacedApplier } from './paced-applier.ts';
import { Quarantine, quarantineTable } from './quarantine.ts';
import { Records } from './records.ts';
import { changeOf } from './row.ts';
import { planOf } from './search/search-plan.ts';
import { search } from './search/search.ts';
import { Spool } from './spool.ts';
import { TombstoneCollector } from './tombstone-collector.ts';
import { Tombstones } from './tombstones.ts';
import type { TableStatistics } from './table-state.ts';
import { TableSearchSource } from './table-search-source.ts';
import { readTransactionLog, type LoggedTransaction } from './transaction-log.ts';
import { Writer, type DeleteRequest, type WriteRequest, type WriteResult, type WriteStep } from './writer.ts';

export interface StoreOptions extends OpenStoreOptions {
  /** Directory of the LMDB environment. */
  readonly path: string;
  readonly mapSizeBytes?: number;
}

export interface OpenStoreOptions {
  readonly nodeName: string;
  /** The api process opens first: it creates the store and decides its identity. */
  readonly role: 'api' | 'bridge';
  readonly maxTransactionBytes?: number;
  /** Versions of peers further ahead than this wait in quarantine. */
  readonly maxClockSkewMs?: number;
  readonly logMaxAgeMs?: number;
  readonly logMaxBytes?: number;
  /** A peer that the log will overtake is warned of at least so long before. */
  readonly logNoticeMs?: number;
  /** Tombstones are kept this long at least, and longer until every subscriber has passed them. */
  readonly tombstoneRetentionMs?: number;
  /** Then they go all the same. */
  readonly tombstoneMaxMs?: number;
  /** Wall clock, ms since 1970. */
  readonly now?: () => number;
  /** Ms of a clock that nobody sets. */
  readonly steadyMs?: () => number;
  /** Called before each write of a client; a hint, as {@link onCommit}. */
  readonly onWrite?: () => void;
  /** Called after a commit that others may wait for; a hint, so it must be cheap and must not throw. */
  readonly onCommit?: () => void;
}

/** A search over a table of at least this many records builds the index that it missed. */
const largeTable = 10_000;

const conflictBounds = { maxCount: 10_000, maxAgeMs: 30 * 86_400_000 };
const maxQuarantinedPerPeer = 1_000;

const systemTables = [
  { name: 'hdb_nodes', primaryKey: 'name' },
  { name: 'hdb_user', primaryKey: 'username' },
  { name: 'hdb_role', primaryKey: 'id' },
  { name: conflictsTable, primaryKey: 'id' },
  { name: quarantineTable, primaryKey: 'id' },
  { name: archiveTable, primaryKey: 'id' },
] as const;

/**
 * The store of a node: documents, their change log, and the place of every subscription.
 *
 * A write resolves when it is on disk, and nothing is visible before that: see {@link Environment}.
 */
export class Store implements AsyncDisposable {
  readonly catalog: Definitions;
  readonly nodes: Nodes;
  readonly log: ChangeLog;
  readonly cursors: Cursors;
  readonly confirmed: Confirmed;
  readonly endurance: EnduranceGauge;
  readonly tombstones: Tombstones;
  readonly collected: Collected;
  readonly marks: Marks;
  readonly maintenance: Maintenance;
  readonly quarantine: Quarantine;
  readonly localWrites: LocalWrites;
  readonly #environment: Environment;
  readonly #catalog: Catalog;
  readonly #records: Records;
  readonly #writer: Writer;
  readonly #applier: Applier;
  readonly #pacedApplier: PacedApplier;
  readonly #now: () => number;
  readonly #nodeName: string;
  readonly #onCommit: () => void;
  /** As of a version of the catalog: either process may draw another one. */
  #identity: { readonly origin: Origin; readonly catalogVersion: number } | undefined;

  private constructor(environment: Environment, options: OpenStoreOptions) {
    this.#environment = environment;
    this.#now = options.now ?? Date.now;
    this.#nodeName = options.nodeName;
    this.#onCommit = options.onCommit ?? (() => {});
    this.localWrites = new LocalWrites(options.steadyMs ?? (() => performance.now()), options.onWrite);
    const catalog = new Catalog(environment.trees.catalog, () => readStoreState(environment).catalogVersion);
    environment.onAbort(() => catalog.forget());
    this.tombstones = new Tombstones(environment);
    const records = new Records(environment, new Origins(environment), this.tombstones);
    const run = <T>(body: (commit: Commit) => T): Promise<T> => this.#run(body);
    const identity = (): Origin => this.identity;
    this.log = new ChangeLog(environment);
    this.cursors = new Cursors(environment);
    this.marks = new Marks(environment);
    this.confirmed = new Confirmed({
      environment,
      isSubscriber: (peer, tableId) => this.nodes.isSubscriber(peer, tableId),
      run,
      now: this.#now,
    });
    const spool = new Spool(environment);
    this.#catalog = catalog;
    this.#records = records;
    this.collected = new Collected({ records, tombstones: this.tombstones, marks: this.marks, identity });
    this.#writer = new Writer({
      catalog,
      records,
      log: this.log,
      identity,
      maxTransactionBytes: options.maxTransactionBytes ?? 64 * 2 ** 20,
    });
    this.nodes = new Nodes({ catalog, records, writer: this.#writer, confirmed: this.confirmed, run });
    this.catalog = new Definitions({
      catalog,
      cursors: this.cursors,
      marks: this.marks,
      confirmed: this.confirmed,
      spool,
      nodes: this.nodes,
      run,
    });
    const conflicts = new Conflicts({ catalog, records, writer: this.#writer, ...conflictBounds });
    this.quarantine = new Quarantine({
      catalog,
      records,
      writer: this.#writer,
      maxPerPeer: maxQuarantinedPerPeer,
    });
    this.#applier = new Applier({
      catalog,
      merger: new Merger({
        catalog,
        records,
        log: this.log,
        conflicts,
        archive: new Archive({ catalog, writer: this.#writer }),
        nodes: this.nodes,
        collected: this.collected,
        identity,
      }),
      log: this.log,
      cursors: this.cursors,
      marks: this.marks,
      collected: this.collected,
      spool,
      quarantine: this.quarantine,
      clockGuard: new ClockGuard(options.maxClockSkewMs ?? 300_000),
      identity,
    });
    const limits = {
      maxAgeMs: options.logMaxAgeMs ?? 30 * 86_400_000,
      maxBytes: options.logMaxBytes ?? 10 * 2 ** 30,
    };
    this.endurance = new EnduranceGauge({ log: this.log, ...limits, now: this.#now });
    const retention = new LogRetention({
      log: this.log,
      confirmed: this.confirmed,
      endurance: this.endurance,
      ...limits,
      noticeMs: options.logNoticeMs ?? 60_000,
      run,
      now: this.#now,
    });
    this.#pacedApplier = new PacedApplier(this.#applier, this.localWrites, run);
    this.maintenance = new Maintenance({
      catalog,
      records,
      log: this.log,
      conflicts,
      quarantine: this.quarantine,
      applier: this.#applier,
      retention,
      collector: new TombstoneCollector({
        catalog,
        records,
        tombstones: this.tombstones,
        collected: this.collected,
        confirmed: this.confirmed,
        run,
        retentionMs: options.tombstoneRetentionMs ?? 30 * 86_400_000,
        maxMs: options.tombstoneMaxMs ?? 365 * 86_400_000,
        now: this.#now,
      }),
      run,
      now: this.#now,
    });
  }

  /** @throws CodedError `start_failed` when a bridge opens a store that no api process has created */
  static async open(options: StoreOptions): Promise<Store> {
    const { path, mapSizeBytes = 2 ** 40 } = options;
    return Store.over(new LmdbEnvironment({ path, mapSizeBytes }), options);
  }

  /** A store in an environment, which it owns from here on. @throws CodedError `start_failed` as {@link open} */
  static async over(environment: Environment, options: OpenStoreOptions): Promise<Store> {
    const store = new Store(environment, options);
    if (options.role === 'api') await store.#prepare();
    if (!readIdentity(environment, options.nodeName)) {
      await store[Symbol.asyncDispose]();
      throw new CodedError('start_failed', `The store of ${options.nodeName} has not been created yet`);
    }
    return store;
  }

  /** What this store signs its own changes with. */
  get identity(): Origin {
    const { catalogVersion } = readStoreState(this.#environment);
    if (this.#identity?.catalogVersion !== catalogVersion) {
      const origin = readIdentity(this.#environment, this.#nodeName);
      if (!origin)
        throw new CodedError('start_failed', `The store of ${this.#nodeName} has not been created yet`);
      this.#identity = { origin, catalogVersion };
    }
    return this.#identity.origin;
  }

  /** This store has lost transactions that it had told: what it writes from here on must not pass for them. */
  async redrawIdentity(): Promise<void> {
    await this.#run((commit) => {
      redrawIdentity(this.#environment);
      commit.touchCatalog();
    });
  }

  get nodeName(): string {
    return this.#nodeName;
  }

  /** insert, update, upsert: one commit, all or nothing. @throws CodedError `invalid_key`, `too_large`, `table_missing` */
  async write(request: WriteRequest): Promise<WriteResult> {
    this.localWrites.begin();
    return this.#run((commit) => this.#writer.write(commit, request));
  }

  /** Several writes as one transaction: all or nothing, here and at every node that subscribes to the tables. */
  async transact(steps: readonly WriteStep[], user: string | undefined): Promise<readonly WriteResult[]> {
    this.localWrites.begin();
    return this.#run((commit) => this.#writer.transact(commit, steps, user));
  }

  async delete(
    request: DeleteRequest,
  ): Promise<{ readonly deleted: readonly Key[]; readonly skipped: readonly Key[] }> {
    this.localWrites.begin();
    return this.#run((commit) => this.#writer.delete(commit, request));
  }

  /** Replaces or removes (null) a document of a `system` table. */
  async replaceSystemDocument(tableName: string, key: Key, document: Document | null): Promise<void> {
    const table = this.#catalog.table(systemDatabase, tableName);
    if (!table) throw new CodedError('table_missing', `Table 'system.${tableName}' does not exist`);
    await this.#run((commit) => this.#writer.replace(commit, table, key, document));
  }

  get(table: Table, key: Key): Document | undefined {
    return this.#records.document(table, key);
  }

  /** Lazy where the order permits; on a large table it asks for the index that it missed. */
  search(table: Table, query: Query): Iterable<Document> {
    const source = new TableSearchSource(this.#environment, this.#records, table);
    if (readTableState(this.#environment, table.id).records >= largeTable)
      for (const attribute of planOf(source, query).wanted) void this.catalog.wantIndex(table, attribute);
    return search(source, query);
  }

  statistics(table: Table): TableStatistics {
    const state = readTableState(this.#environment, table.id);
    return {
      records: state.records,
      tombstones: state.tombstones,
      lastUpdatedMs: state.lastVersion / 1000,
      sizeBytes: state.bytes,
      databaseSizeBytes: this.#environment.sizeBytes,
      logSizeBytes: readStoreState(this.#environment).logBytes,
      conflicts: state.conflicts,
    };
  }

  transactionLog(
    table: Table,
    range: { readonly fromMs?: number; readonly toMs?: number; readonly limit?: number },
  ): Iterable<LoggedTransaction> {
    return readTransactionLog(this.log, table, range);
  }

  /** Trims the log of one channel: keeps the newest `keep`, or everything from `beforeSeq` on. */
  async purgeChannel(
    table: Table,
    options: { readonly keep?: number; readonly beforeSeq?: number },
  ): Promise<{ readonly purged: number }> {
    const { headSeq } = this.log.head(table.id);
    const upTo =
      options.beforeSeq === undefined
        ? headSeq - (options.keep ?? 0)
        : Math.min(headSeq, options.beforeSeq - 1);
    let purged = 0;
    for (;;) {
      const step = await this.#run((commit) => this.log.trimChannel(commit, table.id, upTo, 5_000));
      purged += step;
      if (step < 5_000) return { purged };
    }
  }

  /** Applies a peer's transactions in order, each in one commit with its cursor. */
  async apply(source: Source, items: readonly ChannelItem[]): Promise<ApplyResult> {
    return this.#pacedApplier.apply(source, items);
  }

  /** Applies the parts of one transaction in several channels, and moves all their cursors, in one commit. */
  async applyTogether(
    parts: readonly { readonly source: Source; readonly item: WholeItem }[],
  ): Promise<'applied' | 'not-next'> {
    return this.#run((commit) => this.#applier.applyTogether(commit, parts));
  }

  async applyCopy(source: Source, page: CopyPage): Promise<ApplyResult> {
    return this.#pacedApplier.applyCopy(source, page);
  }

  /** Merges rows that a comparison with a publisher found to differ; the number that won. */
  async repair(source: Source, rows: readonly Change[]): Promise<number> {
    return this.#run((commit) => this.#applier.repair(commit, source, rows));
  }

  /** Deletes rows that a publisher has deleted and forgotten; the keys that went. */
  async removeStale(source: Source, rows: readonly (Stamp & { readonly key: Key })[]): Promise<Key[]> {
    return this.#run((commit) => this.#applier.removeStale(commit, source, rows));
  }

  /** The table has been compared with the publisher's, after the copy if one left that open. */
  async proven(source: Source, copyId: string | undefined, knowledge: Knowledge | undefined): Promise<void> {
    await this.#run(() => this.#applier.proven(source, copyId, knowledge));
  }

  /** Every write of this node up to here is of this version or an older one. */
  get clock(): number {
    return readStoreState(this.#environment).clock;
  }

  digestPage(table: Table, options: Parameters<typeof digestPage>[2]): RangeDigest[] {
    return digestPage(this.#records, table, options);
  }

  digestRange(table: Table, range: KeyRange, newerThan: number): RangeDigest {
    return digestRange(this.#records, table, range, newerThan);
  }

  listRange(table: Table, range: KeyRange, newerThan: number): DigestEntry[] {
    return listRange(this.#records, table, range, newerThan);
  }

  stampOf(table: Table, key: Key): HashedStamp | undefined {
    return stampOf(this.#records, table, key);
  }

  /** Rows under these keys as changes, tombstones too; keys that were never used are left out. */
  rowsOf(table: Table, keys: readonly Key[]): Change[] {
    return keys.flatMap((key) => {
      const row = this.#records.row(table, key);
      return row ? [changeOf(key, row)] : [];
    });
  }

  /** Applies a quarantined transaction after all. @throws CodedError `not_found`, `undecodable` */
  async retryQuarantined(id: string): Promise<'applied' | 'no-table'> {
    return this.#run((commit) => this.#applier.release(commit, this.quarantine.require(id)));
  }

  /** Gives a quarantined transaction up. @throws CodedError `not_found` */
  async skipQuarantined(id: string): Promise<void> {
    await this.#run((commit) => this.quarantine.remove(commit, this.quarantine.require(id).id));
  }

  async putCursor(storeId: string, table: Table, cursor: Cursor | undefined): Promise<void> {
    await this.#run(() => {
      if (!this.#catalog.tableById(table.id)) return;
      if (cursor) this.cursors.put(storeId, table.id, cursor);
      else this.cursors.remove(storeId, table.id);
    });
  }

  copyRows(table: Table, options: Parameters<typeof copyRows>[2]): CopiedRows {
    return copyRows(this.#records, table, options);
  }

  /** Frees what a dead process held. */
  checkReaders(): void {
    this.#environment.checkReaders();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#environment[Symbol.asyncDispose]();
  }

  async #prepare(): Promise<void> {
    this.checkReaders();
    const claim = new IdentityClaim(this.#environment);
    await this.#run((commit) => {
      const former = readIdentity(this.#environment, this.#nodeName)?.storeId;
      claim.announce();
      if (former !== undefined) this.collected.formerly(commit, former, this.#catalog.allTables());
      commit.touchCatalog();
    });
    claim.writeMarker();
    await this.#run((commit) => {
      claim.settle();
      for (const { name, primaryKey } of systemTables)
        if (!this.#catalog.table(systemDatabase, name))
          this.#catalog.createTable(commit, { database: systemDatabase, name, primaryKey });
    });
  }

  async #run<T>(body: (commit: Commit) => T): Promise<T> {
    const result = await this.#environment.commit(() => {
      const commit = new Commit(this.#environment, this.#now());
      const value = body(commit);
      commit.finish();
      return value;
    });
    this.#onCommit();
    return result;
  }
}
