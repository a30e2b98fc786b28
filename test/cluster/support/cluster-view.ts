import type { ClusterNode } from './cluster-node.ts';
import type { Place } from './tables.ts';
import { waitFor } from './wait-for.ts';

/** What `cluster_status` says of one channel. */
export interface ChannelView {
  readonly schema: string;
  readonly table: string;
  readonly publish: boolean;
  readonly subscribe: boolean;
  readonly on_delete?: string;
  readonly state?: string;
  readonly reason?: string;
  readonly unconfirmed?: number;
  readonly waiting?: { readonly transactions: number; readonly bytes?: number };
  readonly may_stay_away?: string;
  readonly priority?: number;
  readonly quarantined?: number;
  readonly copy?: { readonly rows: number; readonly total: number };
}

/** What `cluster_status` says of one peer. */
export interface PeerView {
  readonly node_name: string;
  readonly status: string;
  readonly reason?: string;
  /** Of the last greeting over this node's own link, while that is up. */
  readonly latency_ms?: number;
  readonly clock_offset_ms?: number;
  readonly clock_uncertainty_ms?: number;
  readonly alarms?: readonly string[];
  readonly subscriptions: readonly ChannelView[];
}

export async function peersOf(node: ClusterNode): Promise<readonly PeerView[]> {
  const status = (await node.must({ operation: 'cluster_status' })) as {
    readonly connections: readonly PeerView[];
  };
  return status.connections;
}

/** undefined when the node knows no such peer. */
export async function peerOf(node: ClusterNode, peer: ClusterNode | string): Promise<PeerView | undefined> {
  const name = typeof peer === 'string' ? peer : peer.name;
  return (await peersOf(node)).find((view) => view.node_name === name);
}

export async function channelOf(
  node: ClusterNode,
  peer: ClusterNode,
  [schema, table]: Place,
): Promise<ChannelView | undefined> {
  const view = await peerOf(node, peer);
  return view?.subscriptions.find((channel) => channel.schema === schema && channel.table === table);
}

/** What concerns the node as a whole. */
export async function alarmsOf(node: ClusterNode): Promise<readonly string[]> {
  const status = (await node.must({ operation: 'cluster_status' })) as {
    readonly alarms?: readonly string[];
  };
  return status.alarms ?? [];
}

/** What `cluster_status` says of transactions that wait: of one channel of a peer, and in all. */
export async function quarantineOf(
  node: ClusterNode,
  peer: ClusterNode,
  place: Place,
): Promise<{ readonly quarantined: number; readonly alarms: readonly string[] }> {
  const channel = await channelOf(node, peer, place);
  return { quarantined: channel?.quarantined ?? 0, alarms: await alarmsOf(node) };
}

/** Waits until each knows the other and has heard it lately. */
export async function connected(one: ClusterNode, other: ClusterNode): Promise<void> {
  for (const [node, peer] of [
    [one, other],
    [other, one],
  ] as const)
    await waitFor(
      `${node.name} to be connected with ${peer.name}`,
      async () => {
        const view = await peerOf(node, peer);
        if (view?.status !== 'open') throw new Error(JSON.stringify(view));
        return true;
      },
      { everyMs: 20 },
    );
}

/** Number of records of a table, without reading them; undefined when there is no such table. */
export async function countOf(node: ClusterNode, [schema, table]: Place): Promise<number | undefined> {
  const { status, body } = await node.op({ operation: 'describe_table', schema, table });
  return status === 200 ? (body as { readonly record_count: number }).record_count : undefined;
}
