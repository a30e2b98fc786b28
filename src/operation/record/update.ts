import { defineOperation } from '../operation.ts';
import { commitWrite } from './commit-write.ts';
import { writeAnswer, writeAnswers } from './write-answer.ts';
import { writeNeed } from './write-need.ts';
import { readUsualWrite, writeRequest } from './write-request.ts';

/** Merges fields into existing records; unknown keys are skipped. */
export const update = defineOperation({
  name: 'update',
  permission: (request) => [writeNeed('update', request)],
  request: writeRequest,
  readUsual: readUsualWrite,
  response: writeAnswers.update,
  async run(context, request) {
    const { written, skipped } = await commitWrite(context, request, 'update');
    return writeAnswer('update', written, skipped);
  },
});
