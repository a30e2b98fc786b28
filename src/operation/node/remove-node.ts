import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { unlessAway } from './bridge-answer.ts';
import { refuseUnknownNode, removedNode } from './known-nodes.ts';
import { namedNode } from './node-request.ts';

/** How long an answer waits until the node's own nats-server has confirmed; while that is down, it cannot. */
const confirmTimeoutMs = 5_000;

/**
 * Ends everything with a peer. Needs neither the peer nor the replication process to be up. Answers when this node's
 * nats-server has confirmed that the key of the peer opens nothing any more; where that takes longer than 5 s, the answer
 * says so, and the node goes on asking for it.
 */
export const removeNode = defineOperation({
  name: 'remove_node',
  refusalName: 'removeNode',
  permission: 'super_user',
  request: namedNode,
  response: messageAnswer,
  async run({ store, replication }, { name, dialect }) {
    await store.nodes.decide((version, put) => {
      refuseUnknownNode(store, name, 'cluster_status names those that are');
      put(removedNode(store, name, version));
    });
    // A bridge that does not answer finds the row by itself.
    const isGone =
      replication === undefined || (await unlessAway(replication.arePeersInForce(confirmTimeoutMs), false));
    const rest = isGone ? '' : '; nats-server has not confirmed yet that its key is gone, and is asked on';
    return `Successfully removed '${name}' from ${dialect}${rest}`;
  },
});
