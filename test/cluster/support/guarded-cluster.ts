import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { parseHead } from '../../../src/stream/message-head.ts';
import { ClusterNode } from './cluster-node.ts';
import { NatsClient, seedOf } from './nats-client.ts';
import type { Fields } from './record-bytes.ts';
import { rejections } from './rejections.ts';
import { makeTable, peerRowsOf } from './tables.ts';
import { waitFor } from './wait-for.ts';

/** A place in the history of a table, as a subscriber names it. */
export interface HistoryPlace {
  readonly storeId: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly id: string;
}

/** What a stranger might have changed at a node, as data that can be compared. */
export interface GuardedState {
  readonly streams: readonly unknown[];
  readonly tables: Readonly<Record<string, readonly Fields[]>>;
  readonly nodes: readonly Fields[];
}

/** `open` goes to the guest, `secret` to and from the friend, `inbox` comes from the guest. */
export const tables = ['open', 'secret', 'inbox'] as const;

/**
 * A vault with two peers: a guest, which has stopped so that whoever has its key is alone with it, and a friend,
 * whose table is none of the guest's business.
 */
export class GuardedCluster implements AsyncDisposable {
  readonly vault: ClusterNode;
  readonly guest: ClusterNode;
  readonly friend: ClusterNode;
  readonly #watcher: NatsClient;
  readonly #streams: JetStreamManager;

  private constructor(
    nodes: readonly [ClusterNode, ClusterNode, ClusterNode],
    watcher: NatsClient,
    streams: JetStreamManager,
  ) {
    [this.vault, this.guest, this.friend] = nodes;
    this.#watcher = watcher;
    this.#streams = streams;
  }

  static async start(): Promise<GuardedCluster> {
    const started = await Promise.allSettled(
      ['vault', 'guest', 'friend'].map((name) => ClusterNode.start(name)),
    );
    const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    try {
      const [vault, guest, friend] = nodes;
      if (!vault || !guest || !friend)
        throw new Error(`a node did not start: ${rejections(started)}`, { cause: started });
      await fill(vault, guest, friend);
      await guest.stop();
      // The key of the node itself opens the account of the streams: what the vault's own bridge sees.
      const watcher = await NatsClient.open({
        server: vault,
        credentials: { kind: 'key', seed: seedOf(vault) },
        inbox: 'watcher',
      });
      const streams = await jetstreamManager(watcher.connection, { checkAPI: false });
      await waitFor('the friend to follow the stream', async () => {
        for await (const { name } of streams.consumers.list('default:secret'))
          if (name === friend.name) return true;
        return false;
      });
      return new GuardedCluster([vault, guest, friend], watcher, streams);
    } catch (error) {
      await Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()));
      throw error;
    }
  }

  /** A client that holds the guest's key and nothing else of it. */
  async withGuestKey(): Promise<NatsClient> {
    return NatsClient.open({
      server: this.vault,
      credentials: { kind: 'key', seed: seedOf(this.guest) },
      inbox: this.guest.name,
    });
  }

  /** Everything at the vault that a peer must not change; consumers of the guest on its own channel come and go. */
  async state(): Promise<GuardedState> {
    const streams: unknown[] = [];
    for await (const { config, state } of this.#streams.streams.list()) {
      const consumers: unknown[] = [];
      for await (const consumer of this.#streams.consumers.list(config.name))
        if (consumer.name !== this.guest.name || config.name !== 'default:open')
          consumers.push({ name: consumer.name, config: consumer.config });
      const { consumer_count: _count, ...kept } = state;
      streams.push({ config, state: kept, consumers });
    }
    const contents = await Promise.all(
      tables.map(
        async (table) => [table, sorted((await this.vault.rows('default', table)).values())] as const,
      ),
    );
    return { streams, tables: Object.fromEntries(contents), nodes: await this.nodes() };
  }

  /** Of the vault. */
  async streamNames(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const name of this.#streams.streams.names()) names.push(name);
    return names.toSorted();
  }

  /** Who has a place of its own in the stream of a table. */
  async consumers(table: string): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const { name } of this.#streams.consumers.list(`default:${table}`)) names.push(name);
    return names.toSorted();
  }

  /** The vault's rows of its peers. */
  async nodes(): Promise<readonly Fields[]> {
    return sorted(await peerRowsOf(this.vault));
  }

  /** The newest place of a channel, with all that a subscriber would have to know. */
  async placeOf(table: string): Promise<HistoryPlace> {
    const channel = `default:${table}`;
    const { streams } = this.#streams;
    // While it takes a change of its configuration in, nats-server says that it has no streams.
    const message = await waitFor(`the newest message of ${channel}`, async () => {
      const { state } = await streams.info(channel);
      return (await streams.getMessage(channel, { seq: state.last_seq })) ?? undefined;
    });
    const head = parseHead(message.header);
    if (!head) throw new Error(`the newest message of ${channel} cannot be read`);
    return { storeId: head.storeId, incarnation: head.incarnation, seq: head.last, id: head.lastId };
  }

  /** Every message under a subject of the vault from now on, whoever it is meant for. */
  async overhear(subject: string): Promise<readonly Msg[]> {
    const { outcome, received } = await this.#watcher.subscribe(subject);
    if (outcome !== 'subscribed') throw new Error(`nobody can hear ${subject}`);
    return received;
  }

  /** Resolves when everything that has been said by now was heard. */
  async heard(): Promise<void> {
    await this.#watcher.connection.flush();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Writes one more record of the secret table at the vault; resolves when the friend has it. */
  async tellFriend(id: string): Promise<void> {
    await insert(this.vault, 'secret', { id, word: 'between us' });
    await waitFor(`${id} at the friend`, async () => (await this.friend.rows('default', 'secret')).has(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watcher[Symbol.asyncDispose]();
    await Promise.all([this.vault, this.guest, this.friend].map((node) => node[Symbol.asyncDispose]()));
  }
}

async function insert(node: ClusterNode, table: string, ...records: readonly Fields[]): Promise<void> {
  await node.must({ operation: 'insert', schema: 'default', table, records });
}

async function fill(vault: ClusterNode, guest: ClusterNode, friend: ClusterNode): Promise<void> {
  for (const table of ['open', 'secret']) await makeTable(vault, ['default', table]);
  await makeTable(guest, ['default', 'inbox']);
  const join = async (node: ClusterNode, subscriptions: readonly unknown[]): Promise<unknown> =>
    node.must({ operation: 'add_node', name: vault.name, ...vault.address, subscriptions });
  await join(guest, [
    { channel: 'default:open', publish: false, subscribe: true },
    { channel: 'default:inbox', publish: true, subscribe: false },
  ]);
  await join(friend, [{ channel: 'default:secret', publish: true, subscribe: true }]);
  await insert(vault, 'open', { id: 'known', word: 'for everybody' });
  await insert(vault, 'secret', { id: 'hidden', word: 'between us' });
  await insert(guest, 'inbox', { id: 'letter', word: 'from the guest' });
  await arrived(guest, 'open', 'known');
  await arrived(friend, 'secret', 'hidden');
  await arrived(vault, 'inbox', 'letter');
  // Followed from here on through the streams: there are messages to read, and consumers.
  await insert(vault, 'open', { id: 'news', word: 'for everybody' });
  await insert(vault, 'secret', { id: 'plan', word: 'between us' });
  await insert(friend, 'secret', { id: 'answer', word: 'between us' });
  await arrived(guest, 'open', 'news');
  await arrived(friend, 'secret', 'plan');
  await arrived(vault, 'secret', 'answer');
}

async function arrived(node: ClusterNode, table: string, id: string): Promise<void> {
  await waitFor(`${id} of ${table} at ${node.name}`, async () => (await node.rows('default', table)).has(id));
}

function sorted(records: Iterable<Fields>): readonly Fields[] {
  return [...records].toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}
