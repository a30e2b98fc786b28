import { ClusterNode } from './cluster-node.ts';
import { rejections } from './rejections.ts';
import { makeTable, type Place } from './tables.ts';
import { TcpProxy } from './tcp-proxy.ts';
import { waitFor } from './wait-for.ts';

export interface Channel {
  readonly channel: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  readonly on_delete?: 'apply' | 'ignore' | 'archive';
}

/** What each node gets over what every node gets. */
export interface Environments {
  readonly host?: Readonly<Record<string, string>>;
  readonly edge?: Readonly<Record<string, string>>;
}

/** Two nodes and the links between them, each through a proxy. */
export class Pair implements AsyncDisposable {
  /** From the host to the edge. */
  readonly link: TcpProxy;
  /** From the edge to the host; used once {@link dialBack} was called. */
  readonly backLink: TcpProxy;

  readonly #now: { host: ClusterNode; edge: ClusterNode };

  private constructor(now: { host: ClusterNode; edge: ClusterNode }, link: TcpProxy, backLink: TcpProxy) {
    this.#now = now;
    this.link = link;
    this.backLink = backLink;
  }

  /** Starts both; nothing connects them yet. */
  static async start(environments: Environments = {}): Promise<Pair> {
    const started = await Promise.allSettled([
      ClusterNode.start('host', environments.host),
      ClusterNode.start('edge', environments.edge),
    ]);
    const [host, edge] = started;
    if (host.status === 'fulfilled' && edge.status === 'fulfilled') {
      const now = { host: host.value, edge: edge.value };
      return new Pair(
        now,
        await TcpProxy.to(() => now.edge.address),
        await TcpProxy.to(() => now.host.address),
      );
    }
    for (const result of started)
      if (result.status === 'fulfilled') await result.value[Symbol.asyncDispose]();
    throw new Error(`a node did not start: ${rejections(started)}`, { cause: started });
  }

  /** Starts both and connects them; `table` is the same on both, written by both. */
  static async sharing(place: Place, environments: Environments = {}): Promise<Pair> {
    const pair = await Pair.start(environments);
    try {
      await pair.host.must({ operation: 'create_schema', schema: place[0] });
      await makeTable(pair.host, place);
      await pair.connect([{ channel: place.join(':'), publish: true, subscribe: true }]);
      await waitFor(`the table at ${pair.edge.name}`, () => pair.edge.hasTable(...place));
      return pair;
    } catch (error) {
      await pair[Symbol.asyncDispose]();
      throw error;
    }
  }

  get host(): ClusterNode {
    return this.#now.host;
  }

  get edge(): ClusterNode {
    return this.#now.edge;
  }

  /** Another node takes the edge's place on both links, and is closed with the pair; the old one is removed. */
  async replaceEdge(edge: ClusterNode): Promise<void> {
    const old = this.#now.edge;
    this.#now.edge = edge;
    await old[Symbol.asyncDispose]();
  }

  get nodes(): readonly [ClusterNode, ClusterNode] {
    return [this.host, this.edge];
  }

  /** The host adds the edge at the proxy's address, in the dialect of 3.x. */
  async connect(subscriptions: readonly Channel[]): Promise<void> {
    await this.host.must({
      operation: 'add_node',
      name: this.edge.name,
      ...this.link.address,
      subscriptions,
    });
  }

  /** The edge learns an address of the host, so that each pulls from the other's stream. */
  async dialBack(subscriptions: readonly Channel[] = []): Promise<void> {
    await this.edge.must({
      operation: 'add_node',
      name: this.host.name,
      ...this.backLink.address,
      subscriptions,
    });
  }

  /** Takes the link down in both directions; resolves when connections were cut and a dial was refused. */
  async cut(): Promise<void> {
    const before = this.link.counters;
    this.link.block();
    this.backLink.block();
    if (this.link.counters.cut === before.cut) throw new Error('there was no connection to cut');
    await waitFor('a dial that is refused', () => this.link.counters.refused > before.refused);
  }

  mend(): void {
    this.link.unblock();
    this.backLink.unblock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([
      this.host[Symbol.asyncDispose](),
      this.edge[Symbol.asyncDispose](),
      this.link[Symbol.asyncDispose](),
      this.backLink[Symbol.asyncDispose](),
    ]);
  }
}
