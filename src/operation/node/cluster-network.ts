import * as z from 'zod';
import type { NetworkNode } from '../../model/replication-control.ts';
import { defineOperation } from '../operation.ts';
import { unlessAway } from './bridge-answer.ts';
import { oneDecimal } from './one-decimal.ts';
import { readRoutes, routes } from './routes.ts';

const networkAnswer = z.strictObject({
  nodes: z.array(
    z.strictObject({
      name: z.string(),
      /** Milliseconds. */
      response_time: z.number().optional(),
      connected_nodes: z.array(z.string()).optional(),
      routes: routes.optional(),
    }),
  ),
});

/** Every node that answers, with whom it is connected; this node always. */
export const clusterNetwork = defineOperation({
  name: 'cluster_network',
  refusalName: 'clusterNetwork',
  permission: 'super_user',
  request: z.object({
    timeout: z.number().min(0).max(60_000).default(2_000),
    // True leaves it out: the flag means so in the API that we follow.
    connected_nodes: z.boolean().default(false),
    routes: z.boolean().default(false),
  }),
  response: networkAnswer,
  async run({ store, replication }, request) {
    const told = replication === undefined ? [] : await unlessAway(replication.network(request.timeout), []);
    const self: NetworkNode = {
      name: store.nodeName,
      responseTimeMs: 0,
      connectedNodes: [],
      routes: readRoutes(store, 'hub'),
    };
    const nodes = told.some(({ name }) => name === self.name) ? told : [self, ...told];
    return {
      nodes: nodes.map((node) => ({
        name: node.name,
        ...(node.responseTimeMs === undefined ? {} : { response_time: oneDecimal(node.responseTimeMs) }),
        ...(request.connected_nodes ? {} : { connected_nodes: node.connectedNodes }),
        ...(request.routes ? {} : { routes: node.routes }),
      })),
    };
  },
});
