import { ClusterNode } from './cluster-node.ts';
import { makeTable, type Place } from './tables.ts';
import { TcpProxy } from './tcp-proxy.ts';

/** Who dials whom. */
export type Dial = readonly [from: string, to: string];

/** Several nodes that share one table, each link through a proxy of its own. */
export class Network implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly #links: Map<string, TcpProxy>;

  private constructor(nodes: readonly ClusterNode[], links: Map<string, TcpProxy>) {
    this.nodes = nodes;
    this.#links = links;
  }

  /** Starts nodes that nothing connects. */
  static async starting(names: readonly string[]): Promise<Network> {
    const started = await Promise.allSettled(names.map((name) => ClusterNode.start(name)));
    const nodes = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const network = new Network(nodes, new Map());
    if (nodes.length === names.length) return network;
    await network[Symbol.asyncDispose]();
    throw new Error('a node did not start', { cause: started });
  }

  /** Starts the nodes that the dials name, makes the table on each, and connects them. */
  static async sharing(place: Place, dials: readonly Dial[]): Promise<Network> {
    const network = await Network.starting([...new Set(dials.flat())].toSorted());
    const links = network.#links;
    try {
      for (const node of network.nodes) await makeTable(node, place);
      for (const [from, to] of dials) {
        const proxy = await TcpProxy.to(() => network.node(to).address);
        links.set(linkName(from, to), proxy);
        await network.node(from).must({
          operation: 'add_node',
          name: to,
          ...proxy.address,
          subscriptions: [{ channel: place.join(':'), publish: true, subscribe: true }],
        });
      }
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  node(name: string): ClusterNode {
    const node = this.nodes.find((candidate) => candidate.name === name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** The link between two nodes, whoever dials. */
  link(one: string, other: string): TcpProxy {
    const link = this.#links.get(linkName(one, other)) ?? this.#links.get(linkName(other, one));
    if (!link) throw new Error(`there is no link between ${one} and ${other}`);
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.nodes, ...this.#links.values()].map((owned) => owned[Symbol.asyncDispose]()));
  }
}

function linkName(from: string, to: string): string {
  return `${from} to ${to}`;
}
