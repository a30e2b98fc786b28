import * as z from 'zod';
import { notReplicated } from '../field.ts';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { requireNode } from './node-control.ts';

/** Closes the node, once requests that run are answered, and starts it again in the same process. */
export const restart = defineOperation({
  name: 'restart',
  permission: 'super_user',
  request: z.object({ replicated: notReplicated.optional() }),
  response: messageAnswer,
  run(context) {
    requireNode(context).restart();
    return 'Restarting HarperDB. This may take up to 60 seconds.';
  },
});
