import type { Document, Key, Origin } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import type { Query } from '../model/query.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { ChannelItem } from '../model/transaction.ts';
import { atOnce, type Pausing } from '../runtime/pauses.ts';
import { Waiters } from '../runtime/waiters.ts';
import type { ApplyResult, Together, TransactionPart } from './applier.ts';
import type { ChangeLog } from './change-log.ts';
import type { UnsetClock } from './clock-guard.ts';
import type { Collected } from './collected.ts';
import { readStoreState, readTableState } from './commit.ts';
import { Commits } from './commits.ts';
import type { Comparison } from './comparison.ts';
import type { Confirmed } from './confirmed.ts';
import type { Conflict } from './conflicts.ts';
import type { CopyPage } from './copy-applier.ts';
import { copyRows, rowsOfKeys, type CopiedRows, type RowsOfKeys } from './copy-rows.ts';
import type { Cursor, Cursors } from './cursors.ts';
import type { Definitions } from './definitions.ts';
import type { Digests } from './digests.ts';
import type { EnduranceGauge } from './endurance.ts';
import type { Environment } from './environment.ts';
import type { Heard } from './heard.ts';
import { readKnownAs } from './identity.ts';
import { LmdbEnvironment } from './lmdb-environment.ts';
import type { RemovalRequest } from './local-removal.ts';
import { LocalWrites } from './local-writes.ts';
import type { Maintenance } from './maintenance.ts';
import type { Marks } from './marks.ts';
import type { Nodes } from './nodes.ts';
import { OwnOrigin } from './own-origin.ts';
import { makeParts, type StoreParts } from './parts.ts';
import { prepareStore } from './prepare-store.ts';
import type { Quarantine } from './quarantine.ts';
import type { PlanDescription } from './search/search-plan.ts';
import type { Source } from './source.ts';
import type { StoreGuard } from './store-guard.ts';
import type { OpenStoreOptions, StoreOptions } from './store-options.ts';
import type { TableStatistics } from './table-state.ts';
import type { Tombstones } from './tombstones.ts';
import { readTransactionLog, type LoggedTransaction, type LogRange } from './transaction-log.ts';
import { whileThere } from './while-there.ts';
import type { DeleteRequest, WriteRequest, WriteResult, WriteStep } from './writer.ts';

/**
 * The store of a node: documents, their change log, and the place of every subscription.
 *
 * A write resolves when it is on disk, and nothing is visible before that: see {@link Environment}.
 */
export class Store implements AsyncDisposable {
  readonly localWrites: LocalWrites;
  /** Woken when something of a peer was applied. */
  readonly applied = new Waiters();
  readonly #environment: Environment;
  readonly #commits: Commits;
  readonly #parts: StoreParts;
  readonly #nodeName: string;
  readonly #ownOrigin: OwnOrigin;
  readonly #now: () => number;

  private constructor(environment: Environment, options: OpenStoreOptions) {
    const { nodeName, now = Date.now, onCommit = () => {}, steadyMs = () => performance.now() } = options;
    this.#environment = environment;
    this.#commits = new Commits({ environment, now, onCommit });
    this.#nodeName = nodeName;
    this.#now = now;
    this.#ownOrigin = new OwnOrigin({ environment, commits: this.#commits, nodeName });
    this.localWrites = new LocalWrites(steadyMs, options.onWrite);
    this.#parts = makeParts({
      environment,
      options,
      localWrites: this.localWrites,
      commits: this.#commits,
      identity: () => this.#ownOrigin.require(),
      now,
    });
  }

  /** More of a transaction of another node, or of rows that come at once, is not taken. */
  get maxItemBytes(): number {
    return this.#parts.maxItemBytes;
  }

  get catalog(): Definitions {
    return this.#parts.definitions;
  }

  get nodes(): Nodes {
    return this.#parts.nodes;
  }

  get log(): ChangeLog {
    return this.#parts.log;
  }

  get cursors(): Cursors {
    return this.#parts.cursors;
  }

  get confirmed(): Confirmed {
    return this.#parts.confirmed;
  }

  get heard(): Heard {
    return this.#parts.heard;
  }

  get endurance(): EnduranceGauge {
    return this.#parts.endurance;
  }

  get tombstones(): Tombstones {
    return this.#parts.tombstones;
  }

  get collected(): Collected {
    return this.#parts.collected;
  }

  get marks(): Marks {
    return this.#parts.marks;
  }

  get comparison(): Comparison {
    return this.#parts.comparison;
  }

  get digests(): Digests {
    return this.#parts.digests;
  }

  get maintenance(): Maintenance {
    return this.#parts.maintenance;
  }

  get quarantine(): Quarantine {
    return this.#parts.quarantine;
  }

  /** @throws CodedError `start_failed` when a bridge opens a store that no api process has created */
  static async open(options: StoreOptions): Promise<Store> {
    const { path, mapSizeBytes = 2 ** 40, minFreeDiskBytes = 0 } = options;
    return Store.over(new LmdbEnvironment({ path, mapSizeBytes, minFreeDiskBytes }), options);
  }

  /** A store in an environment, which it owns from here on. @throws CodedError `start_failed` as {@link open} */
  static async over(environment: Environment, options: OpenStoreOptions): Promise<Store> {
    const store = new Store(environment, options);
    if (options.role === 'api')
      await prepareStore({
        environment,
        commits: store.#commits,
        parts: store.#parts,
        nodeName: options.nodeName,
      });
    try {
      store.#ownOrigin.require();
    } catch (error) {
      await store[Symbol.asyncDispose]();
      throw error;
    }
    return store;
  }

  /** What this store signs its own changes with. */
  get identity(): Origin {
    return this.#ownOrigin.require();
  }

  /** This store has lost transactions that it had told; false where that cannot be, see {@link OwnOrigin.redraw}. */
  async redrawIdentity(): Promise<boolean> {
    return this.#ownOrigin.redraw();
  }

  /** How long commits of this process have stood in line behind another process. */
  get lockWaitMs(): number {
    return this.#environment.lockWaitMs ?? 0;
  }

  /** Why writes are refused at the moment, and what to do; undefined while there is room for them. */
  get shortage(): string | undefined {
    return this.#environment.shortage;
  }

  /** That writes will soon be refused. */
  get scarcity(): string | undefined {
    return this.#environment.scarcity;
  }

  /** The name under which this node was started when its peers were added, where it has another one now. */
  get knownAs(): string | undefined {
    return this.nodes.hasPeers ? readKnownAs(this.#environment, this.#nodeName) : undefined;
  }

  get nodeName(): string {
    return this.#nodeName;
  }

  /** What the writes of this process keep from now on. */
  guard(guard: StoreGuard): void {
    this.#commits.guard(guard);
  }

  /**
   * insert, update, upsert: one commit, all or nothing.
   * @throws CodedError `invalid_key`, `invalid_request`, `too_large`, `table_missing`
   */
  write(request: WriteRequest): Promise<WriteResult> {
    this.localWrites.begin();
    return this.#commits.runGuarded([request.table], (commit) => this.#parts.writer.write(commit, request));
  }

  /** Several writes as one transaction: all or nothing, here and at every node that takes all its tables from one peer. */
  async transact(steps: readonly WriteStep[], user: string | undefined): Promise<readonly WriteResult[]> {
    this.localWrites.begin();
    const tables = steps.map(({ table }) => table);
    return this.#commits.runGuarded(tables, (commit) => this.#parts.writer.transact(commit, steps, user));
  }

  async delete(
    request: DeleteRequest,
  ): Promise<{ readonly deleted: readonly Key[]; readonly skipped: readonly Key[] }> {
    this.localWrites.begin();
    return this.#commits.runGuarded(
      [request.table],
      (commit) => this.#parts.writer.delete(commit, request),
      'small',
    );
  }

  /** Removes records from this node only, see {@link LocalRemoval}; how many went. */
  async removeHere(request: RemovalRequest): Promise<number> {
    this.localWrites.begin();
    return this.#commits.run((commit) => this.#parts.localRemoval.remove(commit, request), 'small');
  }

  /**
   * Puts what had lost in the place of what it lost to, where that is still there.
   *
   * @throws CodedError `not_found`, `table_missing`, `record_changed`, `too_large`
   */
  async restoreConflict(id: string, user: string): Promise<Conflict> {
    this.localWrites.begin();
    return this.#commits.run((commit) => this.#parts.conflicts.restore(commit, id, user));
  }

  /** Lets what had lost go. @throws CodedError `not_found` */
  async dismissConflict(id: string): Promise<Conflict> {
    return this.#commits.run((commit) => this.#parts.conflicts.dismiss(commit, id), 'small');
  }

  /** Replaces or removes (null) a document of a `system` table. */
  async replaceSystemDocument(tableName: string, key: Key, document: Document | null): Promise<void> {
    const table = this.#parts.catalog.table(systemDatabase, tableName);
    if (!table) throw new CodedError('table_missing', `Table 'system.${tableName}' does not exist`);
    await this.#commits.run((commit) => this.#parts.writer.replace(commit, table, key, document), 'small');
  }

  get(table: Table, key: Key): Document | undefined {
    return this.#parts.records.document(table, key);
  }

  /** {@link searchWithPauses}, for what is short or may keep everybody waiting. */
  search(table: Table, query: Query): Iterable<Document> {
    return atOnce(this.#parts.tableSearch.search(table, query));
  }

  /** What the query asks for. What is read between two pauses is one snapshot. Throws as {@link whileThere}. */
  searchWithPauses(table: Table, query: Query): Pausing<Document> {
    return this.whileThere(table, this.#parts.tableSearch.search(table, query));
  }

  /** See {@link whileThere}. @throws CodedError `table_missing` */
  whileThere<T extends object>(table: Table, items: Pausing<T>): Pausing<T> {
    return whileThere(this.#parts.catalog, table, items);
  }

  /** What {@link searchWithPauses} would do. */
  plan(table: Table, query: Query): PlanDescription {
    return this.#parts.tableSearch.plan(table, query);
  }

  /** Whether there is anything of the table, also what only replication sees. */
  hasRows(table: Table): boolean {
    for (const _ of this.#parts.records.keys(table)) return true;
    return false;
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

  /** Of {@link statistics}, where nothing else is wanted: those ask the file system for a size. */
  conflictsNoted(table: Table): number {
    return readTableState(this.#environment, table.id).conflicts;
  }

  transactionLog(table: Table, range: LogRange): Pausing<LoggedTransaction> {
    return this.whileThere(table, readTransactionLog(this.log, table, range));
  }

  /**
   * Trims the log of one channel: keeps the newest `keep`, or everything from `beforeSeq` on.
   *
   * @throws the reason of `signal`, between two of its commits
   */
  async purgeChannel(
    table: Table,
    options: { readonly keep?: number; readonly beforeSeq?: number; readonly signal?: AbortSignal },
  ): Promise<{ readonly purged: number }> {
    const { headSeq } = this.log.head(table.id);
    const upTo =
      options.beforeSeq === undefined
        ? headSeq - (options.keep ?? 0)
        : Math.min(headSeq, options.beforeSeq - 1);
    let purged = 0;
    for (;;) {
      options.signal?.throwIfAborted();
      const step = await this.#commits.run(
        (commit) => this.log.trimChannel(commit, table.id, upTo, this.localWrites.stepLimit()),
        'small',
      );
      if (step === 0) return { purged };
      purged += step;
    }
  }

  /** Applies a peer's transactions in order, each in one commit with its cursor. */
  async apply(source: Source, items: readonly ChannelItem[]): Promise<ApplyResult> {
    const result = await this.#parts.pacedApplier.apply(source, items);
    this.applied.wake();
    return result;
  }

  /** Applies transactions over several channels in order, each in one commit with all its parts and their cursors. */
  async applyTogether(transactions: readonly (readonly TransactionPart[])[]): Promise<Together> {
    const outcome = await this.#parts.pacedApplier.applyTogether(transactions);
    this.applied.wake();
    return outcome;
  }

  async applyCopy(source: Source, page: CopyPage): Promise<ApplyResult> {
    return this.#parts.pacedApplier.applyCopy(source, page);
  }

  /** Every write of this node up to here is of this version or an older one. */
  get clock(): number {
    return readStoreState(this.#environment).clock;
  }

  /** Why the wall clock cannot be right; undefined where it can. */
  get unsetClock(): UnsetClock | undefined {
    return this.#parts.clockGuard.doubt(this.#now(), this.clock);
  }

  /** Rows under these keys as changes, tombstones too; keys that were never used are left out. */
  rowsOf(
    table: Table,
    keys: readonly Key[],
    { maxBytes = Infinity, isEnough = () => false }: Partial<Parameters<typeof rowsOfKeys>[3]> = {},
  ): RowsOfKeys {
    return rowsOfKeys(this.#parts.records, table, keys, { maxBytes, isEnough });
  }

  /** Applies a quarantined transaction after all. @throws CodedError `not_found`, `undecodable` */
  async retryQuarantined(id: string): Promise<'applied' | 'no-table'> {
    return this.#commits.run((commit) => this.#parts.isolation.retry(commit, this.quarantine.partsOf(id)));
  }

  /** Gives a quarantined transaction up, with all its parts. @throws CodedError `not_found`, `invalid_request` */
  async skipQuarantined(id: string): Promise<void> {
    await this.#commits.run(
      (commit) => this.#parts.isolation.skip(commit, this.quarantine.partsOf(id)),
      'small',
    );
  }

  async putCursor(storeId: string, table: Table, cursor: Cursor | undefined): Promise<void> {
    await this.#commits.run(() => {
      if (!this.#parts.catalog.tableById(table.id)) return;
      if (cursor) {
        this.cursors.put(storeId, table.id, cursor);
        return;
      }
      this.cursors.remove(storeId, table.id);
      this.#parts.spool.clear(table.id, storeId);
    }, 'small');
  }

  /** Begins a copy where the place is still `asked`; false when somebody has moved it since. */
  async beginCopy(
    source: Pick<Source, 'storeId' | 'table'>,
    asked: Cursor | undefined,
    begun: Cursor,
  ): Promise<boolean> {
    return this.#commits.run(() => this.#parts.copyApplier.begin(source, asked, begun));
  }

  copyRows(table: Table, options: Parameters<typeof copyRows>[2]): CopiedRows {
    return copyRows(this.#parts.records, table, options);
  }

  /** @throws CodedError `storage_failed` where a file that grows by so many bytes would take what must stay free on its disk */
  checkRoom(bytes: number, directory: string): void {
    this.#environment.checkRoom?.(bytes, directory);
  }

  /**
   * Writes the whole store, as it is at one moment, to a new file.
   *
   * @throws CodedError `unavailable` where it is not in files, `storage_failed` where there is no room for it
   */
  async backUp(file: string): Promise<void> {
    if (!this.#environment.backUp) throw new CodedError('unavailable', 'This store is not kept in files');
    await this.#environment.backUp(file);
  }

  /** Reads from now on see all that the other process has committed: for whoever was just told that it has. */
  refresh(): void {
    this.#environment.refresh?.();
  }

  /** Holds back commits of this process while another one opens the store; see {@link Environment.hold}. */
  async hold(): Promise<() => void> {
    return (await this.#environment.hold?.()) ?? (() => {});
  }

  /** Frees what a dead process held. */
  checkReaders(): void {
    this.#environment.checkReaders();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.longReads[Symbol.dispose]();
    await this.#environment[Symbol.asyncDispose]();
  }
}
