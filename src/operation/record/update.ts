import { defineOperation } from '../operation.ts';
import { commitWrite } from './commit-write.ts';
import { writeAnswer } from './write-answer.ts';
import { writeRequest } from './write-request.ts';

/** Merges fields into existing records; unknown keys are skipped. */
export const update = defineOperation({
  name: 'update',
  permission: 'update',
  request: writeRequest,
  async run(context, request) {
    const { written, skipped } = await commitWrite(context, request, 'update');
    return writeAnswer('update', written, skipped);
  },
});
