import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { markRemoved, refuseUnknownNode } from './known-nodes.ts';
import { namedNode } from './node-request.ts';

/** Ends everything with a peer. Needs neither the peer nor the replication process to be up. */
export const removeNode = defineOperation({
  name: 'remove_node',
  refusalName: 'removeNode',
  permission: 'super_user',
  request: namedNode,
  response: messageAnswer,
  async run({ store, replication }, { name, dialect }) {
    refuseUnknownNode(store, name);
    const version = await store.nodes.nextVersion();
    await markRemoved(store, name, version);
    replication?.wake();
    return `Successfully removed '${name}' from ${dialect}`;
  },
});
