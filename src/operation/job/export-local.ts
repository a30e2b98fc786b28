import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import { inTurns, type Pausing } from '../../runtime/pauses.ts';
import * as field from '../field.ts';
import { jobStartedAnswer } from '../answer.ts';
import { defineOperation } from '../operation.ts';
import { directoryInside } from './allowed-path.ts';
import { exportSearch, type Found } from './export-search.ts';
import { exportFormats, exportTextOf, type ExportFormat } from './export-text.ts';
import type { JobOutcome, RunningJob } from './jobs.ts';

const documentsAtOnce = 200;
const rowsPerReport = 10_000;

const filename = z.string().superRefine((name, context) => {
  if (/^[^./\0][^/\0]{0,199}$/.test(name)) return;
  context.addIssue({ code: 'custom', message: 'must be a name without / that does not begin with a dot' });
});

/** Writes what a search finds to a file of the server; only inside `bulk.exportDirectories`. */
export const exportLocal = defineOperation({
  name: 'export_local',
  permission: 'super_user',
  request: z.object({
    format: z.enum(exportFormats),
    path: field.existingName,
    filename: filename.optional(),
    search_operation: z.record(z.string(), z.unknown()),
  }),
  response: jobStartedAnswer,
  async run(context, { format, path, filename: name, search_operation: search }) {
    const { jobs, bulk, user, now, store } = context;
    const { exportDirectories } = bulk;
    // Whatever is wrong with them is said now, not in the job.
    await exportSearch(context, search);
    store.checkRoom(0, await directoryInside(path, exportDirectories));
    const file = `${name ?? now()}.${format}`;
    return jobs.submit({
      type: 'export_local',
      user,
      body: async (job) => {
        const directory = await directoryInside(path, exportDirectories);
        const target = join(directory, file);
        const checkRoom = (bytes: number): void => store.checkRoom(bytes, directory);
        return writeExport(job, await exportSearch(context, search), { format, target, checkRoom });
      },
    });
  },
});

/** Under its name the file is always whole: it is written beside and renamed at the end. */
async function writeExport(
  job: RunningJob,
  found: Found,
  {
    format,
    target,
    checkRoom,
  }: {
    readonly format: ExportFormat;
    readonly target: string;
    readonly checkRoom: (bytes: number) => void;
  },
): Promise<JobOutcome> {
  const partial = `${target}.${job.id}.partial`;
  await job.noteScratchFile(partial);
  const file = await open(partial, 'wx');
  try {
    const text = exportTextOf(format, found.columns);
    let bytes = 0;
    let rows = 0;
    const write = async (piece: string): Promise<void> => {
      job.signal.throwIfAborted();
      const more = Buffer.byteLength(piece);
      checkRoom(more);
      await file.appendFile(piece);
      bytes += more;
    };
    await write(text.head);
    for await (const batch of inBatches(found.documents)) {
      await write(text.documents(batch, rows));
      rows += batch.length;
      if (rows % rowsPerReport === 0) await job.report({ rows, bytes, totalBytes: null });
    }
    await write(text.tail(rows));
    await job.report({ rows, bytes, totalBytes: bytes });
    await file.sync();
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return {
    result: { message: `Successfully exported ${format.toUpperCase()} locally.`, path: target },
  };
}

async function* inBatches(documents: Pausing<Document>): AsyncGenerator<Document[]> {
  let batch: Document[] = [];
  for await (const document of inTurns(documents)) {
    batch.push(document);
    if (batch.length < documentsAtOnce) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
