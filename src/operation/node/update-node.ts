import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { changeNode } from './connect-node.ts';
import { refuseUnknownNode, requireReplication } from './known-nodes.ts';
import { nodeRequest } from './node-request.ts';

/** Changes the named channels of a peer. The 4.4+ dialect adds a node that is not known. */
export const updateNode = defineOperation({
  name: 'update_node',
  refusalName: 'updateNode',
  permission: 'super_user',
  request: nodeRequest,
  response: messageAnswer,
  async run(context, request) {
    requireReplication(context);
    if (request.dialect === 'manifest') refuseUnknownNode(context.store, request.name);
    await changeNode(context, request);
    return `Successfully updated '${request.name}'`;
  },
});
