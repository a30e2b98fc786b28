import { MemoryReplication, openContext, type TestContext } from './open-context.ts';

/** A node with a cluster that a test answers for. */
export async function openCluster(): Promise<TestContext & { readonly replication: MemoryReplication }> {
  const replication = new MemoryReplication();
  return { ...(await openContext({ replication })), replication };
}

/** A request of the dialect of 3.x. */
export const legacy = {
  operation: 'add_node',
  name: 'edge',
  host: 'edge.local',
  port: 62344,
  subscriptions: [
    { channel: 'default:sensor_data', subscribe: true, publish: false },
    { channel: 'default:a:b', subscribe: false, publish: true },
  ],
};
