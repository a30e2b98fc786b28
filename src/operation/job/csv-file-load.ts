import * as z from 'zod';
import * as field from '../field.ts';
import { jobStartedAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { openInside } from './allowed-path.ts';
import { checkCsvLoad, csvLoadFields, csvLoadNeeds, startCsvLoad } from './csv-load.ts';

/** Loads a CSV file of the server; only files inside `bulk.importDirectories`. */
export const csvFileLoad = defineOperation({
  name: 'csv_file_load',
  permission: csvLoadNeeds,
  request: z.object({ ...csvLoadFields, file_path: field.existingName }),
  response: jobStartedAnswer,
  async run(context, { file_path: path, ...request }) {
    checkCsvLoad(context, request);
    const { importDirectories } = context.bulk;
    // Opened again when the job begins: it may wait, and must not hold a file meanwhile.
    await (await openInside(path, importDirectories)).close();
    return startCsvLoad(context, { type: 'csv_file_load' }, request, async () => {
      const file = await openInside(path, importDirectories);
      const { size } = await file.stat();
      return { stream: file.createReadStream(), totalBytes: size };
    });
  },
});
