import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { runExport } from '../../src/cli/export-command.ts';
import { runImport } from '../../src/cli/import-command.ts';
import { NodeClient } from '../../src/cli/node-client.ts';
import { progressText } from '../../src/cli/progress-line.ts';
import { openServer, type TestServer } from '../http/open-server.ts';

afterEach(() => vi.restoreAllMocks());

const dog = { database: 'dev', table: 'dog' };

interface Desk extends AsyncDisposable {
  readonly node: TestServer;
  readonly flags: { readonly ROOTPATH: string };
  /** A path of a file for this test. */
  file(name: string, text?: string): string;
}

async function openDesk(): Promise<Desk> {
  const path = mkdtempSync(join(tmpdir(), 'lyre-desk-'));
  const node = await openServer({ socketPath: join(path, 'operations-server') });
  await node.post({ operation: 'create_table', ...dog, primary_key: 'id' });
  return {
    node,
    flags: { ROOTPATH: path },
    file(name, text) {
      if (text !== undefined) writeFileSync(join(path, name), text);
      return join(path, name);
    },
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      rmSync(path, { recursive: true });
    },
  };
}

it('imports a file that is longer than one request, and exports the same rows', async () => {
  await using desk = await openDesk();
  const rows = Array.from({ length: 12_000 }, (_, id) => `${id},"dog ""${id}"", x",${id / 4}`);
  const text = `id,name,weight\n${rows.join('\n')}\nstray,"a\nb",\n`;

  await runImport(desk.file('in.csv', text), { ...dog, action: 'insert' }, desk.flags);
  await runExport(desk.file('out.csv'), dog, desk.flags);
  await runExport(desk.file('out.json'), dog, desk.flags);

  const exported = readFileSync(desk.file('out.csv'), 'utf8');
  const withoutTimes = exported.replaceAll(/^([^,]*),[\d.]+,[\d.]+,/gm, '$1,');
  expect(withoutTimes).toBe(text.replace('id,', 'id,__createdtime__,__updatedtime__,'));
  const documents = JSON.parse(readFileSync(desk.file('out.json'), 'utf8')) as Record<string, unknown>[];
  expect(documents.map(({ id }) => id)).toEqual([...rows.keys(), 'stray']);
  expect(readdirSync(desk.flags.ROOTPATH).filter((name) => name.endsWith('.partial'))).toEqual([]);
});

it('exports large records by pages that end at some megabytes', async () => {
  await using desk = await openDesk();
  const text = 'x'.repeat(2 ** 20);
  for (let id = 0; id < 40; id += 1)
    await desk.node.post({ operation: 'insert', ...dog, records: [{ id, text }] });
  const run = vi.spyOn(NodeClient.prototype, 'run');

  await runExport(desk.file('out.json'), dog, desk.flags);

  const answers = await Promise.all(run.mock.results.map(({ value }) => value as Promise<unknown>));
  for (const answer of answers) expect(JSON.stringify(answer).length).toBeLessThan(20 * 2 ** 20);
  const documents = JSON.parse(readFileSync(desk.file('out.json'), 'utf8')) as Record<string, unknown>[];
  expect(documents.map(({ id }) => id)).toEqual([...Array(40).keys()]);
});

it('imports the readings of a machine, and exports the same rows', async () => {
  await using desk = await openDesk();
  const readings = new URL('../../examples/factory/machine_temperature_system_failure.csv', import.meta.url);
  const text = readFileSync(readings, 'utf8').trim();

  await runImport(desk.file('in.csv', text), { ...dog, action: 'insert' }, desk.flags);
  await runExport(desk.file('out.json'), dog, desk.flags);

  const documents = JSON.parse(readFileSync(desk.file('out.json'), 'utf8')) as Record<string, unknown>[];
  const exported = documents.map(({ timestamp, value }) => `${String(timestamp)},${Number(value)}`);
  const [, ...lines] = text.split(/\r?\n/);
  const imported = lines.map((line) => line.replace(/[^,]*$/, (value) => String(Number(value))));
  expect(exported).toHaveLength(22_695);
  expect(exported.toSorted()).toEqual(imported.toSorted());
});

it('says of a file that cannot be read or written what it is, and not what the system calls that', async () => {
  await using desk = await openDesk();
  const absent = desk.file('absent.csv');
  const below = join(absent, 'out.csv');

  await expect(runImport(absent, { ...dog, action: 'insert' }, desk.flags)).rejects.toThrow(
    `${absent} cannot be read (ENOENT)`,
  );
  await expect(runExport(below, dog, desk.flags)).rejects.toThrow(`${below} cannot be written (ENOENT)`);
});

it('says what was wrong with a row, and how many were loaded before it', async () => {
  await using desk = await openDesk();
  const rows = Array.from({ length: 5_001 }, (_, id) => (id === 5_000 ? '1,2,3' : `${id},x`));
  const file = desk.file('in.csv', `id,name\n${rows.join('\n')}\n`);

  await expect(runImport(file, { ...dog, action: 'insert' }, desk.flags)).rejects.toThrow(
    'Row 1 has 3 values for 2 columns, cancelling load operation (5000 rows were loaded before)',
  );
});

it('counts what was loaded of the piece that failed', async () => {
  await using desk = await openDesk();
  const rows = Array.from({ length: 2_501 }, (_, id) => (id === 2_500 ? '1,2,3' : `${id},x`));
  const file = desk.file('in.csv', `id,name\n${rows.join('\n')}\n`);

  await expect(runImport(file, { ...dog, action: 'insert' }, desk.flags)).rejects.toThrow(
    'Row 2501 has 3 values for 2 columns, cancelling load operation (2000 rows were loaded before)',
  );
});

it.each([
  ['insert', '2 are in the table already and stayed as they were: --action upsert writes over them'],
  ['update', '1 are not in the table: --action upsert inserts them'],
  ['upsert', undefined],
])('says what became of rows that were not loaded by %s', async (action, left) => {
  await using desk = await openDesk();
  await desk.node.post({ operation: 'insert', ...dog, records: [{ id: 1 }, { id: 2 }] });
  const file = desk.file('in.csv', 'id,name\n1,a\n2,b\n3,c\n');
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);

  await runImport(file, { ...dog, action }, desk.flags);

  const loaded = { insert: 1, update: 2 }[action] ?? 3;
  const why = left === undefined ? '' : `; ${left}`;
  expect(written.mock.calls.flat()).toContain(`successfully loaded ${loaded} of 3 records${why}\n`);
});

it('sends long rows in pieces of a few MiB', async () => {
  await using desk = await openDesk();
  const long = 'x'.repeat(2 ** 20);
  const rows = Array.from({ length: 10 }, (_, id) => `${id},${long}`);

  await runImport(
    desk.file('in.csv', `id,name\n${rows.join('\n')}\n`),
    { ...dog, action: 'insert' },
    desk.flags,
  );

  const jobs = await desk.node.post({
    ...{ operation: 'search_jobs_by_start_date', from_date: '2000-01-01', to_date: '9999-01-01' },
  });
  expect(jobs.body).toMatchObject([4, 4, 2].map((count) => ({ progress: { rows: count } })));
});

it('imports no file in another encoding', async () => {
  await using desk = await openDesk();
  const file = desk.file('in.csv', '');
  writeFileSync(file, 'id,name\n1,Bj\xf8rn\n', 'latin1');

  await expect(runImport(file, { ...dog, action: 'insert' }, desk.flags)).rejects.toThrow(
    'The file is not UTF-8 in line 2: convert it and load it again',
  );
});

it('says what the node or the machine refuses, and leaves an earlier file as it was', async () => {
  await using desk = await openDesk();
  const file = desk.file('out.csv', 'old');

  await expect(runExport(file, { ...dog, table: 'cat' }, desk.flags)).rejects.toThrow(
    "Table 'dev.cat' does not exist",
  );
  await expect(runExport(file, { ...dog, format: 'xml' }, desk.flags)).rejects.toThrow(
    'The format must be one of json, csv, not xml',
  );
  await expect(runImport(desk.file('absent.csv'), { ...dog, action: 'insert' }, desk.flags)).rejects.toThrow(
    /ENOENT/,
  );
  expect(readFileSync(file, 'utf8')).toBe('old');
});

it('tells how far it has come', () => {
  expect(progressText({ bytes: 2 ** 20, rows: 500 }, 4 * 2 ** 20, 2_000)).toBe(
    '[######------------------] 25 %, 1.0 MiB, 500 rows, 250 rows/s, 6 s left',
  );
  expect(progressText({ bytes: 0 }, undefined, 0)).toBe('0.0 MiB');
});
