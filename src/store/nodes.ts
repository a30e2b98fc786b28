import type { Document } from '../model/change.ts';
import { CodedError } from '../model/errors.ts';
import type { DeletePolicy, NodeRow, Subscription } from '../model/node.ts';
import { isReplicable } from '../model/subscription.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import { heardVersion } from '../model/version-clock.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Confirmed } from './confirmed.ts';
import { visibleDocument, type Records } from './records.ts';
import { readableBytes, type Row } from './row.ts';
import type { Spool } from './spool.ts';
import type { Writer } from './writer.ts';

export interface NodesOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly writer: Writer;
  readonly confirmed: Confirmed;
  readonly spool: Spool;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
}

interface Decoded {
  /** Of the table: a new one may hide other attributes. */
  readonly table: Table;
  readonly stored: Row;
  readonly row: NodeRow;
}

/**
 * The peers of this node: the rows of `system.hdb_nodes`.
 *
 * A row that cannot be read is neither a peer nor a removal: nobody knows what may be exchanged with that node, so
 * nothing is, and what is kept for it (cursors, what it has confirmed) stays until somebody writes the row again.
 */
export class Nodes {
  readonly #options: NodesOptions;
  /**
   * By name. Rows are asked for with each message and each answer, and change when a person decides something; whoever
   * wrote one, of either process, what is stored under the name says whether it still is what was decoded.
   */
  readonly #decoded = new Map<string, Decoded>();

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  /** Those that can be read, of removed nodes too. */
  all(): readonly NodeRow[] {
    return this.#names().flatMap((name) => this.get(name) ?? []);
  }

  /** Those that can be read, of nodes that were added and not removed. */
  known(): readonly NodeRow[] {
    return this.all().filter(isKnown);
  }

  /** Another one after every write of a row, by either process; asked of counters, however many rows there are. */
  get version(): number {
    return this.#options.records.lastVersion(this.#table());
  }

  /** No node was ever added: nobody waits for what is committed here. */
  get isEmpty(): boolean {
    return this.#options.records.count(this.#table()) === 0;
  }

  /** Some node was added and not removed, or may have been. */
  get hasPeers(): boolean {
    return this.known().length > 0 || this.unreadable().length > 0;
  }

  /** Undefined also for a row that cannot be read. */
  get(name: string): NodeRow | undefined {
    const row = this.#read(name);
    return row === 'unreadable' ? undefined : row;
  }

  /** The row of a node that was added and not removed; undefined also for one that cannot be read. */
  knownNamed(name: string): NodeRow | undefined {
    const row = this.get(name);
    return row && isKnown(row) ? row : undefined;
  }

  /** Names of the rows that cannot be read. */
  unreadable(): readonly string[] {
    return this.#names().filter((name) => this.isUnreadable(name));
  }

  isUnreadable(name: string): boolean {
    return this.#read(name) === 'unreadable';
  }

  /** What a delete that a peer brings does to a record of this table here. */
  deletePolicy(peer: string, table: Table): DeletePolicy {
    return this.#subscription(peer, table)?.onDelete ?? 'apply';
  }

  /** Whether a table is taken from a peer, or may be. */
  isFollowed(peer: string, table: Pick<Table, 'database' | 'name'>): boolean {
    return this.isUnreadable(peer) || this.#subscription(peer, table)?.subscribe === true;
  }

  /** Numbers of the tables that are published to a peer and exist. */
  publishedTo(name: string): ReadonlySet<number> {
    const { subscriptions = [] } = this.get(name) ?? {};
    return new Set(
      subscriptions.flatMap(({ publish, database, table }) =>
        publish ? (this.#options.catalog.table(database, table)?.id ?? []) : [],
      ),
    );
  }

  /** Whether a peer has or had a subscription to the table, or may have: it may hold what is written here. */
  isShared({ database, name }: Table): boolean {
    const mayHave = this.all().some(
      ({ subscriptions, removedVersion, endedUpTo }) =>
        // What one had that was removed nobody knows any more, and it may come back, or has.
        removedVersion !== undefined ||
        endedUpTo !== undefined ||
        subscriptions.some((candidate) => candidate.database === database && candidate.table === name),
    );
    return mayHave || this.unreadable().length > 0;
  }

  async put(row: NodeRow): Promise<void> {
    await this.#options.run((commit) => {
      this.#replace(commit, row);
      this.#forgetEnded([row.name]);
    });
  }

  /**
   * Changes a row as it is inside the commit; `change` returns undefined to leave it alone, and null to take it away. One
   * that cannot be read is none to `change`, and what it returns is put in its place.
   */
  async update<R extends NodeRow | null | undefined>(
    name: string,
    change: (row: NodeRow | undefined) => R,
  ): Promise<R> {
    return this.#options.run((commit) => {
      const changed = change(this.get(name));
      if (changed) this.#replace(commit, changed);
      // Not a removal that is remembered: nothing was ever agreed with that node.
      else if (changed === null) this.#options.writer.replace(commit, this.#table(), name, null);
      if (changed !== undefined) this.#forgetEnded([name]);
      return changed;
    });
  }

  /**
   * Takes a decision about nodes, in one commit: `decide` reads rows as they are inside it, and puts others in their
   * place. Its version is newer than every decision that this node has taken or heard of.
   */
  async decide<T>(decide: (version: number, put: (row: NodeRow) => void) => T): Promise<T> {
    return this.#options.run((commit) => {
      const names = new Set<string>();
      const result = decide(this.#nextVersion(commit), (row) => {
        this.#replace(commit, row);
        names.add(row.name);
      });
      if (names.size > 0) this.#forgetEnded([...names]);
      return result;
    });
  }

  /**
   * Inside a commit: nothing of dropped tables is taken from any peer until somebody asks for it again, or
   * what comes in would make them anew. Where one is only published, its subscribers wait for it to come back.
   *
   * Each row is written once, however many tables it names: a row is read and written as a whole.
   */
  stop(commit: Commit, isDropped: (channel: Pick<Subscription, 'database' | 'table'>) => boolean): void {
    const { writer } = this.#options;
    const hits = (subscription: Subscription): boolean => subscription.subscribe && isDropped(subscription);
    for (const node of this.all()) {
      if (!node.subscriptions.some(hits)) continue;
      const drawn = commit.drawVersion(0);
      const subscriptions = node.subscriptions.map((subscription) => {
        if (!hits(subscription)) return subscription;
        // What it replaces may have been decided by a clock that is ahead.
        const version = Math.max(drawn, subscription.version + 1);
        return { ...subscription, stopped: 'dropped here' as const, version };
      });
      // Whoever drops a table forgets what was confirmed of it, and of others nothing changes.
      writer.replace(commit, this.#table(), node.name, toDocument({ ...node, subscriptions }));
    }
  }

  #nextVersion(commit: Commit): number {
    const heard = this.all().flatMap(({ subscriptions, addedVersion, removedVersion = 0, endedUpTo = 0 }) => [
      addedVersion,
      removedVersion,
      endedUpTo,
      ...subscriptions.map(({ version }) => version),
    ]);
    // Only this number goes beyond what was heard: the clock of another node must not move that of the data here.
    return Math.max(commit.drawVersion(0), ...heard.map((version) => version + 1));
  }

  #subscription(
    peer: string,
    { database, name }: Pick<Table, 'database' | 'name'>,
  ): Subscription | undefined {
    return this.get(peer)?.subscriptions.find(
      (candidate) => candidate.database === database && candidate.table === name,
    );
  }

  #replace(commit: Commit, row: NodeRow): void {
    const { records, writer } = this.#options;
    const table = this.#table();
    if (this.isUnreadable(row.name)) records.discard(commit, table, row.name);
    writer.replace(commit, table, row.name, toDocument(row));
  }

  /** Once for all rows that a commit has changed: all that is kept, for every peer, is looked through. */
  #forgetEnded(names: readonly string[]): void {
    const { confirmed, spool } = this.#options;
    confirmed.keepOnly(new Map(names.map((name) => [name, this.publishedTo(name)])));
    // A peer that is another store now, or none any more, sends the rest of nothing.
    spool.keepOnly(() =>
      this.unreadable().length > 0
        ? undefined
        : new Set(this.known().flatMap(({ storeId }) => storeId ?? [])),
    );
  }

  #names(): string[] {
    return [...this.#options.records.keys(this.#table())].map(String);
  }

  #read(name: string): NodeRow | 'unreadable' | undefined {
    try {
      const table = this.#table();
      const stored = this.#options.records.row(table, name);
      const known = this.#decoded.get(name);
      if (stored && known?.table === table && isSameRow(known.stored, stored)) return known.row;
      const document = stored && visibleDocument(table, stored);
      const row = document && fromDocument(document, stored.version);
      if (row) this.#decoded.set(name, { table, stored, row });
      else this.#decoded.delete(name);
      return row;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'undecodable') return 'unreadable';
      throw error;
    }
  }

  #table(): Table {
    const table = this.#options.catalog.table(systemDatabase, 'hdb_nodes');
    if (!table) throw new CodedError('table_missing', `Table 'system.hdb_nodes' does not exist`);
    return table;
  }
}

/** To whoever reads it. */
function isSameRow(one: Row, other: Row): boolean {
  if (one.version !== other.version) return false;
  const [left, right] = [readableBytes(one), readableBytes(other)];
  return left !== null && right !== null && Buffer.compare(left, right) === 0;
}

function isKnown({ removedVersion }: NodeRow): boolean {
  return removedVersion === undefined;
}

/** As HarperDB's clients know the row: `schema` for the database; what is ours stands beside it. */
function toDocument(row: NodeRow): Record<string, unknown> {
  const subscriptions = row.subscriptions.map(({ database, startTimeMs, ...rest }) => ({
    schema: database,
    ...rest,
    ...(startTimeMs === undefined ? {} : { start_time: new Date(startTimeMs).toISOString() }),
  }));
  return { ...row, subscriptions };
}

interface StoredSubscription extends Omit<Subscription, 'database' | 'startTimeMs'> {
  readonly schema: string;
  readonly start_time?: string;
}

interface StoredNode extends Omit<NodeRow, 'subscriptions'> {
  readonly subscriptions: readonly StoredSubscription[];
  readonly __createdtime__: number;
  readonly __updatedtime__: number;
}

/**
 * @param written version of the row
 * @throws CodedError `undecodable`
 */
function fromDocument(document: Document, written: number): NodeRow {
  if (!isStoredNode(document))
    throw new CodedError('undecodable', `A row of 'system.hdb_nodes' is not that of a node`);
  const { subscriptions, __createdtime__: _created, __updatedtime__: _updated, ...row } = document;
  return {
    ...row,
    addedVersion: heardVersion(row.addedVersion, written),
    ...(row.removedVersion === undefined
      ? {}
      : { removedVersion: heardVersion(row.removedVersion, written) }),
    subscriptions: subscriptions
      .map(({ schema, start_time: startTime, ...rest }) => ({
        database: schema,
        ...rest,
        version: heardVersion(rest.version, written),
        ...(startTime === undefined ? {} : { startTimeMs: Date.parse(startTime) }),
      }))
      .filter(isReplicable),
  };
}

/** Everything by which somebody is let in, dialled, or told something has the type that it is taken for. */
function isStoredNode(document: Document): document is Document & StoredNode {
  const { name, host, port, nkey, certificate, storeId, subscriptions } = document;
  const { addedVersion, removedVersion, endedUpTo } = document;
  return (
    typeof name === 'string' &&
    isOptional('string', host, certificate, storeId) &&
    isOptional('number', port, removedVersion, endedUpTo) &&
    typeof addedVersion === 'number' &&
    (nkey === undefined || (typeof nkey === 'string' && /^[A-Z0-9]+$/.test(nkey))) &&
    Array.isArray(subscriptions) &&
    subscriptions.every(isStoredSubscription)
  );
}

function isStoredSubscription(value: unknown): value is StoredSubscription {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, table, publish, subscribe, version, start_time: startTime } = value as Document;
  return (
    typeof schema === 'string' &&
    typeof table === 'string' &&
    typeof publish === 'boolean' &&
    typeof subscribe === 'boolean' &&
    typeof version === 'number' &&
    (startTime === undefined || (typeof startTime === 'string' && !Number.isNaN(Date.parse(startTime))))
  );
}

function isOptional(type: 'string' | 'number', ...values: readonly unknown[]): boolean {
  return values.every((value) => value === undefined || typeof value === type);
}
