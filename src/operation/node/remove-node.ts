import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { refuseUnknownNode } from './known-nodes.ts';
import { namedNode } from './node-request.ts';
import { removedRow } from './node-row.ts';

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
    await store.nodes.update(name, (existing) => existing && removedRow(existing, version));
    replication?.wake();
    return `Successfully removed '${name}' from ${dialect}`;
  },
});
