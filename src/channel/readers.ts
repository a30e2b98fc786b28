import { channelName, encodeToken } from '../model/channel-name.ts';
import type { NodeRow, Subscription } from '../model/node.ts';
import type { Reader } from './channel-items.ts';

/** Who may read a channel. */
export interface ChannelReaders {
  readonly all: readonly Reader[];
  /** Of their consumers. */
  readonly names: ReadonlySet<string>;
}

export interface PublishedChannel extends ChannelReaders, Pick<Subscription, 'database' | 'table'> {}

export interface ReadersOptions {
  /** Peers that are not removed. */
  readonly rows: () => readonly NodeRow[];
  /** Of the rows, see {@link Nodes.version}. */
  readonly version: () => number;
}

/**
 * The channels that some subscription publishes, and who may read each: made once for each change of the rows of
 * `system.hdb_nodes`, and asked for before each message of each channel.
 */
export class Readers {
  readonly #options: ReadersOptions;
  #version: number | undefined;
  #rows: readonly NodeRow[] = [];
  #channels: ReadonlyMap<string, PublishedChannel> = new Map();

  constructor(options: ReadersOptions) {
    this.#options = options;
  }

  /** As of now; the same map for as long as no row changes. */
  get channels(): ReadonlyMap<string, PublishedChannel> {
    if (!this.areCurrent) this.refresh();
    return this.#channels;
  }

  /** No row was written since they were read. */
  get areCurrent(): boolean {
    return this.#version === this.#options.version();
  }

  of(channel: string): ChannelReaders {
    return this.channels.get(channel) ?? nobody;
  }

  /** Reads the rows again, also where none was written: one that cannot be read any more is no peer. */
  refresh(): void {
    // Before the rows: one that is written in between is read again.
    this.#version = this.#options.version();
    const rows = this.#options.rows();
    if (isSame(rows, this.#rows)) return;
    this.#rows = rows;
    this.#channels = publishedChannels(rows);
  }
}

const nobody: ChannelReaders = channelReaders([]);

export function channelReaders(all: readonly Reader[]): ChannelReaders {
  return { all, names: new Set(all.map(({ name }) => encodeToken(name))) };
}

function isSame(rows: readonly NodeRow[], before: readonly NodeRow[]): boolean {
  return rows.length === before.length && rows.every((row, index) => row === before[index]);
}

/** What else a reader follows is told when it asks the log; the stream carries every body that one may need. */
function publishedChannels(rows: readonly NodeRow[]): ReadonlyMap<string, PublishedChannel> {
  const found = new Map<string, { readonly subscription: Subscription; readonly readers: Reader[] }>();
  for (const { name, storeId, subscriptions } of rows)
    for (const subscription of subscriptions) {
      if (!subscription.publish || subscription.stopped !== undefined) continue;
      const channel = channelName(subscription.database, subscription.table);
      const { readers } = found.get(channel) ?? {};
      const reader = { name, storeId, sources: [] };
      if (readers) readers.push(reader);
      else found.set(channel, { subscription, readers: [reader] });
    }
  return new Map(
    [...found].map(([channel, { subscription, readers }]) => {
      const { database, table } = subscription;
      return [channel, { database, table, ...channelReaders(readers) }];
    }),
  );
}
