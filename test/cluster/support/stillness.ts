import { jetstreamManager } from '@nats-io/jetstream';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClusterNode } from './cluster-node.ts';
import { NatsClient, seedOf } from './nats-client.ts';
import type { Place } from './tables.ts';
import { waitFor } from './wait-for.ts';

/** How far a node has got: what it has logged of a table, and what it has put into its stream. */
export interface Tide {
  readonly node: string;
  readonly logged: number;
  /** Last sequence of each stream. */
  readonly streams: Readonly<Record<string, number>>;
}

export async function tideOf(node: ClusterNode, [schema, table]: Place): Promise<Tide> {
  const logged = (await node.must({
    operation: 'read_transaction_log',
    schema,
    table,
  })) as readonly unknown[];
  // The key of the node itself opens the account of the streams.
  await using client = await NatsClient.open({
    server: node,
    credentials: { kind: 'key', seed: seedOf(node) },
    inbox: 'watcher',
  });
  const manager = await jetstreamManager(client.connection, { checkAPI: false });
  const streams: Record<string, number> = {};
  for await (const { config, state } of manager.streams.list()) streams[config.name] = state.last_seq;
  return { node: node.name, logged: logged.length, streams };
}

/** Waits until nothing has moved on any node for a while: what circulates never gets here. */
export async function stillness(
  nodes: readonly ClusterNode[],
  place: Place,
  { forMs }: { readonly forMs: number },
): Promise<readonly Tide[]> {
  const look = (): Promise<readonly Tide[]> => Promise.all(nodes.map((node) => tideOf(node, place)));
  return waitFor('nothing to move any more', async () => {
    const before = await look();
    await pause(forMs);
    const after = await look();
    if (JSON.stringify(before) !== JSON.stringify(after))
      throw new Error(`${JSON.stringify(before)} became ${JSON.stringify(after)}`);
    return after;
  });
}
