import { createReadStream, statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import * as z from 'zod';
import { csvText } from '../operation/csv-text.ts';
import { csvRows } from '../operation/job/csv-rows.ts';
import type { ConfigFlags } from './config-flags.ts';
import { fileFailure } from './file-failure.ts';
import { findClient, type TargetOptions } from './find-client.ts';
import type { NodeClient } from './node-client.ts';
import { ProgressLine } from './progress-line.ts';

export interface ImportOptions extends TargetOptions {
  readonly database: string;
  readonly table: string;
  readonly action: string;
}

const rowsAtOnce = 5_000;
const charactersAtOnce = 4 * 2 ** 20;
const pollMs = 20;

const started = z.object({ job_id: z.string() });
const jobs = z.tuple([
  z.object({
    status: z.string(),
    message: z.unknown(),
    progress: z.object({ rows: z.number() }).default({ rows: 0 }),
  }),
]);

/**
 * Loads a CSV file of this machine into a table of a node, here or elsewhere, some rows at a time.
 *
 * @throws when the node refuses or a row is wrong; says how many rows were loaded before
 */
export async function runImport(
  path: string,
  options: ImportOptions,
  flags: ConfigFlags['flags'],
): Promise<void> {
  const client = findClient(options, flags);
  const total = sizeOf(path);
  const source = createReadStream(path);
  using progress = new ProgressLine('import');
  let header: readonly string[] | undefined;
  let rows: string[][] = [];
  let characters = 0;
  let sent = 0;
  let loaded = 0;
  const send = async (): Promise<void> => {
    const data = csvText([header ?? [], ...rows]);
    loaded += await loadPiece(client, options, data, sent);
    sent += rows.length;
    rows = [];
    characters = 0;
    progress.show({ bytes: source.bytesRead, rows: sent }, total);
  };
  for await (const cells of csvRows(source)) {
    if (!header) {
      header = cells;
      continue;
    }
    rows.push(cells);
    for (const cell of cells) characters += cell.length;
    if (rows.length >= rowsAtOnce || characters >= charactersAtOnce) await send();
  }
  if (rows.length > 0) await send();
  progress[Symbol.dispose]();
  process.stdout.write(
    sent === 0
      ? 'No records parsed from csv file.\n'
      : `successfully loaded ${loaded} of ${sent} records${whyNot(options.action, sent - loaded)}\n`,
  );
}

/** What became of rows that were not loaded, and how they can be. */
function whyNot(action: string, left: number): string {
  if (left === 0) return '';
  return action === 'update'
    ? `; ${left} are not in the table: --action upsert inserts them`
    : `; ${left} are in the table already and stayed as they were: --action upsert writes over them`;
}

/** @throws in words of a user when there is no such file */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch (cause) {
    throw fileFailure(path, 'read', cause);
  }
}

async function loadPiece(
  client: NodeClient,
  { database, table, action }: ImportOptions,
  data: string,
  before: number,
): Promise<number> {
  const body = { operation: 'csv_data_load', database, table, action, data };
  const { job_id: id } = started.parse(await client.run(body));
  for (;;) {
    const [job] = jobs.parse(await client.run({ operation: 'get_job', id }));
    if (job.status === 'ERROR')
      throw new Error(`${textOf(job.message)} (${before + job.progress.rows} rows were loaded before)`);
    if (job.status === 'COMPLETE') return Number(/\d+/.exec(textOf(job.message))?.[0] ?? 0);
    await wait(pollMs);
  }
}

function textOf(message: unknown): string {
  return typeof message === 'string' ? message : JSON.stringify(message);
}
