import { createHash } from 'node:crypto';
import { arch, hostname, platform } from 'node:os';
import * as z from 'zod';
import { messageAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';

/** A text that is the same whenever this node runs on this machine. */
export const getFingerprint = defineOperation({
  name: 'get_fingerprint',
  refusalName: 'getFingerprint',
  permission: 'super_user',
  request: z.object({}),
  response: messageAnswer,
  run({ store }) {
    const parts = [store.nodeName, hostname(), platform(), arch()];
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
  },
});
