import { defineOperation } from '../operation.ts';
import { commitWrite } from './commit-write.ts';
import { writeRequest } from './write-request.ts';

/** Adds records or merges into existing ones; nothing is skipped. */
export const upsert = defineOperation({
  name: 'upsert',
  permission: 'update',
  request: writeRequest,
  async run(context, request) {
    const { written, skipped } = await commitWrite(context, request, 'upsert');
    return {
      message: `upserted ${written.length} of ${written.length + skipped.length} records`,
      upserted_hashes: written,
    };
  },
});
