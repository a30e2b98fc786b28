import { CodedError } from '../model/errors.ts';
import type { DeletePolicy, NodeRow, Subscription } from '../model/node.ts';
import { systemDatabase, type Table } from '../model/table.ts';
import type { Catalog } from './catalog.ts';
import type { Commit } from './commit.ts';
import type { Confirmed } from './confirmed.ts';
import type { Records } from './records.ts';
import type { Writer } from './writer.ts';

export interface NodesOptions {
  readonly catalog: Catalog;
  readonly records: Records;
  readonly writer: Writer;
  readonly confirmed: Confirmed;
  readonly run: <T>(body: (commit: Commit) => T) => Promise<T>;
}

/** The peers of this node: the rows of `system.hdb_nodes`. */
export class Nodes {
  readonly #options: NodesOptions;

  constructor(options: NodesOptions) {
    this.#options = options;
  }

  all(): readonly NodeRow[] {
    const table = this.#table();
    const rows: NodeRow[] = [];
    for (const { row, key } of this.#options.records.rows(table))
      if (row.bytes) {
        const node = this.get(String(key));
        if (node) rows.push(node);
      }
    return rows;
  }

  get(name: string): NodeRow | undefined {
    const document = this.#options.records.document(this.#table(), name);
    return document && fromDocument(document);
  }

  /** What a delete that a peer brings does to a record of this table here. */
  deletePolicy(peer: string, table: Table): DeletePolicy {
    const subscription = this.get(peer)?.subscriptions.find(
      (candidate) => candidate.database === table.database && candidate.table === table.name,
    );
    return subscription?.onDelete ?? 'apply';
  }

  /** Whether a table is published to a peer. */
  isSubscriber(name: string, tableId: number): boolean {
    const row = this.get(name);
    return row !== undefined && this.#published(row).includes(tableId);
  }

  /** Whether a peer has or had a subscription to the table: it may hold what is written here. */
  isShared({ database, name }: Table): boolean {
    return this.all().some(({ subscriptions }) =>
      subscriptions.some((candidate) => candidate.database === database && candidate.table === name),
    );
  }

  async put(row: NodeRow): Promise<void> {
    await this.#options.run((commit) => this.#replace(commit, row));
  }

  /** Changes a row as it is inside the commit; `change` returns undefined to leave it alone. */
  async update(
    name: string,
    change: (row: NodeRow | undefined) => NodeRow | undefined,
  ): Promise<NodeRow | undefined> {
    return this.#options.run((commit) => {
      const changed = change(this.get(name));
      if (changed) this.#replace(commit, changed);
      return changed;
    });
  }

  /** A version for a decision about nodes: newer than every decision that this node has taken or heard of. */
  async nextVersion(): Promise<number> {
    return this.#options.run((commit) => {
      const heard = this.all().flatMap(({ subscriptions, addedVersion, removedVersion = 0 }) => [
        addedVersion,
        removedVersion,
        ...subscriptions.map(({ version }) => version),
      ]);
      // Only this number goes beyond what was heard: the clock of another node must not move that of the data here.
      return Math.max(commit.drawVersion(0), ...heard.map((version) => version + 1));
    });
  }

  /**
   * Inside a commit: nothing of a dropped table is taken from any peer until somebody asks for it again, or
   * what comes in would make it anew. Where it is only published, its subscribers wait for it to come back.
   */
  stopTable(commit: Commit, table: Table): void {
    for (const node of this.all()) {
      const hits = (subscription: Subscription): boolean =>
        subscription.subscribe &&
        subscription.database === table.database &&
        subscription.table === table.name;
      if (!node.subscriptions.some(hits)) continue;
      const version = commit.drawVersion(0);
      const subscriptions = node.subscriptions.map((subscription) =>
        hits(subscription) ? { ...subscription, stopped: 'dropped here' as const, version } : subscription,
      );
      this.#replace(commit, { ...node, subscriptions });
    }
  }

  #replace(commit: Commit, row: NodeRow): void {
    const { writer, confirmed } = this.#options;
    writer.replace(commit, this.#table(), row.name, toDocument(row));
    confirmed.keepOnly(row.name, new Set(this.#published(row)));
  }

  /** Numbers of the tables that are published to a peer and exist. */
  #published({ subscriptions }: NodeRow): number[] {
    return subscriptions.flatMap(({ publish, database, table }) =>
      publish ? (this.#options.catalog.table(database, table)?.id ?? []) : [],
    );
  }

  #table(): Table {
    const table = this.#options.catalog.table(systemDatabase, 'hdb_nodes');
    if (!table) throw new CodedError('table_missing', `Table 'system.hdb_nodes' does not exist`);
    return table;
  }
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

function fromDocument(document: Readonly<Record<string, unknown>>): NodeRow {
  const {
    subscriptions,
    __createdtime__: _created,
    __updatedtime__: _updated,
    ...row
  } = document as unknown as Omit<NodeRow, 'subscriptions'> & {
    subscriptions?: readonly StoredSubscription[];
    __createdtime__: number;
    __updatedtime__: number;
  };
  return {
    ...row,
    subscriptions: (subscriptions ?? []).map(({ schema, start_time: startTime, ...rest }) => ({
      database: schema,
      ...rest,
      ...(startTime === undefined ? {} : { startTimeMs: Date.parse(startTime) }),
    })),
  };
}
