import { Readable } from 'node:stream';
import * as z from 'zod';
import * as field from '../field.ts';
import { jobStartedAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { checkCsvLoad, csvLoadFields, csvLoadNeeds, startCsvLoad } from './csv-load.ts';

const pieceBytes = 2 ** 16;

/** Loads CSV that comes with the request. */
export const csvDataLoad = defineOperation({
  name: 'csv_data_load',
  permission: csvLoadNeeds,
  request: z.object({ ...csvLoadFields, data: field.existingName }),
  response: jobStartedAnswer,
  async run(context, { data, ...request }) {
    checkCsvLoad(context, request);
    const bytes = Buffer.from(data);
    return startCsvLoad(context, { type: 'csv_data_load', heldBytes: bytes.length }, request, () =>
      Promise.resolve({ stream: Readable.from(pieces(bytes)), totalBytes: bytes.length }),
    );
  },
});

/** In pieces, so that progress is not one leap. */
function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
}
