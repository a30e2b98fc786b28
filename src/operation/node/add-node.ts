import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { connectNode } from './connect-node.ts';
import { nodeRequest } from './node-request.ts';

/** Makes another node a peer and connects channels with it. One of `node_name`, `name`, `hostname` and `url` names it. */
export const addNode = defineOperation({
  name: 'add_node',
  aliases: ['set_node'],
  refusalName: 'addNode',
  permission: 'super_user',
  request: nodeRequest,
  response: messageAnswer,
  async run(context, request) {
    await connectNode(context, request);
    return `Successfully added '${request.name}' to ${request.dialect}`;
  },
});
