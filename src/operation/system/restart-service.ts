import * as z from 'zod';
import { CodedError } from '../../model/errors.ts';
import { notReplicated } from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireNode } from './node-control.ts';

/** What serves HTTP is the node itself, so it is restarted as a whole. */
const nodeServices = ['http', 'http_workers', 'custom_functions', 'harperdb'];
const clusterServices = ['clustering', 'clustering_config'];

/** Starts a part of the node again. */
export const restartService = defineOperation({
  name: 'restart_service',
  refusalName: 'restartService',
  permission: 'super_user',
  request: z.object({ service: z.string(), replicated: notReplicated.optional() }),
  response: messageAnswer,
  run(context, { service }) {
    const node = requireNode(context);
    if (clusterServices.includes(service)) node.restartClustering();
    else if (nodeServices.includes(service)) node.restart();
    else throw new CodedError('invalid_request', 'Invalid service');
    return `Restarting ${service}`;
  },
});
