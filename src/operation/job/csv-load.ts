import type { Readable } from 'node:stream';
import * as z from 'zod';
import type { Document } from '../../model/change.ts';
import { CodedError, messageOf } from '../../model/errors.ts';
import type { Store } from '../../store/store.ts';
import * as field from '../field.ts';
import type { OperationContext } from '../operation.ts';
import { checkNeeds, type Need } from '../permission.ts';
import { protectSystemTable } from '../record/system-row.ts';
import { writeNeed } from '../record/write-need.ts';
import { checkWrite } from '../record/write-request.ts';
import { requireTable } from '../table-lookup.ts';
import { csvDocuments } from './csv-documents.ts';
import type { JobOutcome, NewJob, RunningJob } from './jobs.ts';

/** The fields that every load of CSV has. */
export const csvLoadFields = {
  schema: field.databaseOfWrite,
  table: field.tableOfWrite,
  action: z.enum(['insert', 'update', 'upsert']).default('insert'),
};

export type CsvLoadRequest = z.infer<z.ZodObject<typeof csvLoadFields>>;

/** Where the text of a load comes from. */
export interface CsvSource {
  readonly stream: Readable;
  readonly totalBytes: number | null;
}

const maxChunkRows = 1_000;
const maxChunkBytes = 2 ** 20;

/** What a load needs before anybody knows its columns, which are checked when they are read. */
export function csvLoadNeeds({ schema, table, action }: CsvLoadRequest): readonly Need[] {
  return [writeNeed(action, { schema, table, records: [] })];
}

/**
 * Checks what can be checked at once.
 *
 * @throws CodedError `invalid_request`, `forbidden`
 */
export function checkCsvLoad({ store }: OperationContext, { schema, table, action }: CsvLoadRequest): void {
  protectSystemTable(requireTable(store, schema, table, 'to write'), action);
}

/** Starts a load; the source is opened when the job begins. */
export async function startCsvLoad(
  context: OperationContext,
  job: Omit<NewJob, 'user' | 'needs' | 'body'>,
  request: CsvLoadRequest,
  open: (signal: AbortSignal) => Promise<CsvSource>,
): Promise<unknown> {
  return context.jobs.submit({
    ...job,
    user: context.user,
    needs: csvLoadNeeds(request),
    body: async (running) => load(context.store, running, request, await open(running.signal)),
  });
}

/**
 * Writes the rows in chunks, each with the progress in one commit, so that requests are served in between and
 * memory holds one chunk whatever the length of the file.
 */
async function load(
  store: Store,
  job: RunningJob,
  request: CsvLoadRequest,
  { stream, totalBytes }: CsvSource,
): Promise<JobOutcome> {
  // Who reads it is told; when nobody reads it, nobody needs to know.
  stream.on('error', () => {});
  const counted = new CountedBytes(stream);
  let loaded = 0;
  let rows = 0;
  let chunk: Document[] = [];
  let chunkStart = 0;
  const commit = async (): Promise<void> => {
    job.signal.throwIfAborted();
    const user = job.user();
    checkNeeds({ user, store }, [writeNeed(request.action, { ...request, records: chunk })]);
    const table = requireTable(store, request.schema, request.table, 'to write');
    const documents = await checkWrite(store, table, chunk, request.action);
    rows += chunk.length;
    const [written] = await store.transact(
      [
        { table, operation: request.action, documents },
        job.progressStep({ rows, bytes: counted.bytes, totalBytes }),
      ],
      user.username,
    );
    loaded += written?.written.length ?? 0;
    chunk = [];
    chunkStart = counted.bytes;
  };
  try {
    const { primaryKey } = requireTable(store, request.schema, request.table, 'to write');
    for await (const document of csvDocuments(counted, primaryKey, job.signal)) {
      chunk.push(document);
      if (chunk.length >= maxChunkRows || counted.bytes - chunkStart >= maxChunkBytes) await commit();
    }
    if (chunk.length > 0) await commit();
  } finally {
    stream.destroy();
  }
  return rows === 0 ? 'No records parsed from csv file.' : `successfully loaded ${loaded} of ${rows} records`;
}

class CountedBytes implements AsyncIterable<Buffer> {
  bytes = 0;
  readonly #source: AsyncIterable<Buffer>;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    try {
      for await (const chunk of this.#source) {
        this.bytes += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      throw new CodedError('invalid_request', `The file could not be read to its end: ${messageOf(cause)}`, {
        cause,
      });
    }
  }
}
