import { defineOperation } from '../operation.ts';
import { commitWrite } from './commit-write.ts';
import { writeAnswer, writeAnswers } from './write-answer.ts';
import { writeNeed } from './write-need.ts';
import { readUsualWrite, writeRequest } from './write-request.ts';

/** Adds records; those whose key exists are skipped. */
export const insert = defineOperation({
  name: 'insert',
  permission: (request) => [writeNeed('insert', request)],
  request: writeRequest,
  readUsual: readUsualWrite,
  response: writeAnswers.insert,
  async run(context, request) {
    const { written, skipped } = await commitWrite(context, request, 'insert');
    return writeAnswer('insert', written, skipped);
  },
});
