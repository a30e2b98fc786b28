import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { changeNode } from './connect-node.ts';
import { nodeRequest } from './node-request.ts';

/** Adds the node or changes its channels, whichever is needed. */
export const setNodeReplication = defineOperation({
  name: 'set_node_replication',
  refusalName: 'setNodeReplication',
  permission: 'super_user',
  request: nodeRequest,
  response: messageAnswer,
  async run(context, request) {
    await changeNode(context, request);
    return `Successfully updated '${request.name}'`;
  },
});
