import { open, rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import * as z from 'zod';
import { exportFormats, exportTextOf, type ExportFormat } from '../operation/job/export-text.ts';
import type { ConfigFlags } from './config-flags.ts';
import { fileFailure } from './file-failure.ts';
import { findClient, type TargetOptions } from './find-client.ts';
import type { NodeClient } from './node-client.ts';
import { ProgressLine } from './progress-line.ts';

export interface ExportOptions extends TargetOptions {
  readonly database: string;
  readonly table: string;
  readonly format?: string;
}

type Row = Readonly<Record<string, unknown>>;

const rowsAtOnce = 2_000;

const description = z.object({
  hash_attribute: z.string(),
  record_count: z.number(),
  attributes: z.array(z.object({ attribute: z.string() })),
});
const pageAnswer = z.object({
  records: z.array(z.record(z.string(), z.unknown())),
  cursor: z.string().nullable(),
});

/**
 * Writes the records of a table of a node, here or elsewhere, to a file of this machine, in the order of their
 * keys. What is written to the table meanwhile may or may not be in it.
 *
 * @throws when the node refuses; the file is then as it was
 */
export async function runExport(
  path: string,
  options: ExportOptions,
  flags: ConfigFlags['flags'],
): Promise<void> {
  const format = formatOf(path, options.format);
  const { database, table } = options;
  const client = findClient(options, flags);
  const told = description.parse(await client.run({ operation: 'describe_table', database, table }));
  const text = exportTextOf(
    format,
    told.attributes.map(({ attribute }) => attribute),
  );
  const partial = `${path}.partial`;
  const file = await open(partial, 'w').catch((cause: unknown) => {
    throw fileFailure(path, 'written', cause);
  });
  let count = 0;
  let bytes = 0;
  const write = async (piece: string): Promise<void> => {
    await file.appendFile(piece);
    bytes += Buffer.byteLength(piece);
  };
  try {
    using progress = new ProgressLine('export');
    await write(text.head);
    for await (const page of pages(client, { database, table }, told.hash_attribute)) {
      await write(text.documents(page, count));
      count += page.length;
      const part = count / Math.max(count, told.record_count);
      progress.show({ bytes, rows: count }, bytes / part);
    }
    await write(text.tail(count));
    await file.sync();
    await rename(partial, path);
  } finally {
    await file.close();
    await rm(partial, { force: true });
  }
  process.stdout.write(`Exported ${count} records to ${path}\n`);
}

/** As asked; else what the name of the file says, or CSV. */
function formatOf(path: string, asked: string | undefined): ExportFormat {
  const wanted = asked ?? (extname(path) === '.json' ? 'json' : 'csv');
  const format = exportFormats.find((name) => name === wanted);
  if (format) return format;
  throw new Error(`The format must be one of ${exportFormats.join(', ')}, not ${wanted}`);
}

/** In the order of the keys. Where records are large the node ends a page sooner. */
async function* pages(
  client: NodeClient,
  table: { readonly database: string; readonly table: string },
  key: string,
): AsyncGenerator<Row[]> {
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: z.output<typeof pageAnswer> = pageAnswer.parse(
      await client.run({
        operation: 'search_by_value',
        ...table,
        attribute: key,
        value: '*',
        get_attributes: ['*'],
        limit: rowsAtOnce,
        cursor,
      }),
    );
    if (page.records.length > 0) yield page.records;
    cursor = page.cursor;
  }
}
