import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { checkNodeRequest, removedNode, requireReplication } from './known-nodes.ts';
import { nodeRequest } from './node-request.ts';
import { replacedRow } from './node-row.ts';

/** Replaces all peers and channels of this node by those of the request. */
export const configureCluster = defineOperation({
  name: 'configure_cluster',
  refusalName: 'configureCluster',
  permission: 'super_user',
  request: z.object({ connections: z.array(nodeRequest) }),
  response: messageAnswer,
  async run(context, { connections }) {
    const replication = requireReplication(context);
    const names = new Set<string>();
    for (const connection of connections) {
      checkNodeRequest(context, connection);
      if (names.has(connection.name)) {
        throw new CodedError('invalid_request', `'connections' names '${connection.name}' more than once`);
      }
      names.add(connection.name);
    }
    const { store } = context;
    const { nodes } = store;
    await nodes.decide((version, put) => {
      for (const name of [...nodes.known().map((row) => row.name), ...nodes.unreadable()]) {
        if (!names.has(name)) put(removedNode(store, name, version));
      }
      for (const connection of connections) put(replacedRow(nodes.get(connection.name), connection, version));
    });
    replication.wake();
    return 'Cluster successfully configured.';
  },
});
