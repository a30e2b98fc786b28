import { defineOperation } from '../operation.ts';
import { commitWrite } from './commit-write.ts';
import { writeAnswer, writeAnswers } from './write-answer.ts';
import { writeNeed } from './write-need.ts';
import { readUsualWrite, writeRequest } from './write-request.ts';

/** Adds records or merges into existing ones; nothing is skipped. */
export const upsert = defineOperation({
  name: 'upsert',
  permission: (request) => [writeNeed('upsert', request)],
  request: writeRequest,
  readUsual: readUsualWrite,
  response: writeAnswers.upsert,
  async run(context, request) {
    const { written, skipped } = await commitWrite(context, request, 'upsert');
    return writeAnswer('upsert', written, skipped);
  },
});
