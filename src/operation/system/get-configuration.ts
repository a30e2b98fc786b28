import * as z from 'zod';
import { defineOperation } from '../operation.ts';
import { requireNode } from './node-control.ts';

/** The configuration as the next start would take it, without secrets. */
export const getConfiguration = defineOperation({
  name: 'get_configuration',
  refusalName: 'getConfiguration',
  permission: 'super_user',
  request: z.object({}),
  response: z.record(z.string(), z.unknown()),
  run(context) {
    return requireNode(context).configuration.read();
  },
});
