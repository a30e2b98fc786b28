import { CodedError } from '../model/errors.ts';
import type { Subscription } from '../model/node.ts';
import { leftOutBy } from '../model/subscription.ts';
import type { Table } from '../model/table.ts';
import type { Store } from '../store/store.ts';

export interface AgreedChannelOptions {
  readonly store: Store;
  readonly peer: string;
  readonly database: string;
  readonly tableName: string;
}

/** What this node has agreed to take of one channel of a peer, and where it goes. */
export class AgreedChannel {
  readonly #options: AgreedChannelOptions;

  constructor(options: AgreedChannelOptions) {
    this.#options = options;
  }

  /**
   * The table here; made like the publisher's when it is missing, unless nothing is taken any more: a table that was dropped
   * here has a stopped subscription.
   */
  async table(primaryKey: string): Promise<Table | undefined> {
    const { store, database, tableName } = this.#options;
    const known = store.catalog.table(database, tableName);
    if (known) return known;
    try {
      const spec = { database, name: tableName, primaryKey };
      return await store.catalog.createWantedTable(spec, () => this.isTaken);
    } catch (error) {
      // Another subscription may have been faster.
      const now = store.catalog.table(database, tableName);
      if (now && error instanceof CodedError && error.code === 'table_exists') return now;
      throw error;
    }
  }

  /** Versions up to here are left out. */
  get newerThan(): number {
    return leftOutBy(this.subscription ?? {});
  }

  /** Somebody may decide otherwise at any moment. */
  get isTaken(): boolean {
    const { subscription } = this;
    return subscription?.subscribe === true && subscription.stopped === undefined;
  }

  get subscription(): Subscription | undefined {
    const { store, peer, database, tableName } = this.#options;
    return store.nodes
      .get(peer)
      ?.subscriptions.find((candidate) => candidate.database === database && candidate.table === tableName);
  }
}
