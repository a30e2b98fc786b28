import { CodedError } from '../../model/errors.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { changeNode } from './connect-node.ts';
import { isKnownNode, refuseUnknownNode, requireReplication } from './known-nodes.ts';
import { nodeChange } from './node-request.ts';

/** Changes the named channels of a peer, and its address if the request has one. The 4.4+ dialect adds a node that is not known. */
export const updateNode = defineOperation({
  name: 'update_node',
  refusalName: 'updateNode',
  permission: 'super_user',
  request: nodeChange,
  response: messageAnswer,
  async run(context, request) {
    requireReplication(context);
    const { subscriptions } = request;
    const check = (): void => {
      if (request.dialect === 'manifest')
        refuseUnknownNode(context.store, request.name, 'add it with add_node');
      if (subscriptions === undefined && !isKnownNode(context.store, request.name))
        throw new CodedError(
          'invalid_request',
          "'subscriptions' is required for a node that is not known yet",
        );
    };
    check();
    await changeNode(context, { ...request, subscriptions: subscriptions ?? [] }, check);
    return `Successfully updated '${request.name}'`;
  },
});
