import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { SmallDisk } from '../../cluster/support/small-disk.ts';
import { clusterUser } from '../open-context.ts';
import { dog } from '../dog.ts';
import { openJobContext, type JobContext } from './open-job-context.ts';

const everything = { operation: 'search_by_value', ...dog, attribute: 'id', value: '*' };
const withoutTimes = { ...everything, get_attributes: ['id', 'name', 'tags'] };

function ask(t: JobContext, change: object = {}) {
  const path = join(t.directory, 'export');
  return {
    operation: 'export_local',
    format: 'json',
    path,
    filename: 'dogs',
    search_operation: withoutTimes,
    ...change,
  };
}

async function openWithDogs(): Promise<JobContext> {
  const t = await openJobContext();
  const records = [
    { id: 1, name: 'Penny, "the" dog\nof x', tags: ['a', { b: 1 }] },
    { id: 2, name: '', tags: false },
    { id: '2', name: null },
  ];
  await t.call({ operation: 'insert', ...dog, records });
  return t;
}

test('JSON is an array with one record on each line', async () => {
  await using t = await openWithDogs();

  const job = await t.finish(ask(t));

  const file = join(t.directory, 'export', 'dogs.json');
  expect(job).toMatchObject({
    type: 'export_local',
    status: 'COMPLETE',
    message: `Successfully completed job: ${String(job['id'])}`,
    result: { message: 'Successfully exported JSON locally.', path: file },
  });
  expect(readFileSync(file, 'utf8')).toBe(
    '[\n{"id":1,"name":"Penny, \\"the\\" dog\\nof x","tags":["a",{"b":1}]},\n' +
      '{"id":2,"name":"","tags":false},\n{"id":"2","name":null,"tags":null}\n]\n',
  );
  expect(readdirSync(join(t.directory, 'export'))).toEqual(['dogs.json']);
});

test('CSV has a line of names; null and the empty text are empty cells', async () => {
  await using t = await openWithDogs();

  const job = await t.finish(ask(t, { format: 'csv' }));

  expect(job['result']).toMatchObject({ message: 'Successfully exported CSV locally.' });
  expect(readFileSync(join(t.directory, 'export', 'dogs.csv'), 'utf8')).toBe(
    'id,name,tags\n1,"Penny, ""the"" dog\nof x","[""a"",{""b"":1}]"\n2,,false\n2,,\n',
  );
});

test('without names of attributes a CSV has all that the table has; a table without records is an empty list', async () => {
  await using t = await openWithDogs();
  await t.call({ operation: 'create_table', schema: 'dev', table: 'cat', primary_key: 'id' });

  await t.finish(ask(t, { format: 'csv', search_operation: everything }));
  await t.finish(ask(t, { filename: 'cats', search_operation: { ...everything, table: 'cat' } }));

  const csv = readFileSync(join(t.directory, 'export', 'dogs.csv'), 'utf8');
  expect(csv.split('\n')[0]).toBe('id,__createdtime__,__updatedtime__,name,tags');
  expect(readFileSync(join(t.directory, 'export', 'cats.json'), 'utf8')).toBe('[]\n');
});

test.each([
  [{ operation: 'search_by_hash', ...dog, hash_values: ['2', 9, 1], get_attributes: ['id'] }, '"2" 1'],
  [{ operation: 'search_by_id', ...dog, ids: [2], get_attributes: ['id'] }, '2'],
  [
    {
      operation: 'search_by_conditions',
      ...dog,
      conditions: [{ attribute: 'id', comparator: 'greater_than', value: 0 }],
      get_attributes: ['id'],
      sort: { attribute: 'id', descending: true },
    },
    '2 1',
  ],
  [{ operation: 'sql', sql: 'SELECT id FROM dev.dog WHERE id > 1' }, '2'],
])('every kind of search can be exported: %j', async (search, ids) => {
  await using t = await openWithDogs();

  await t.finish(ask(t, { search_operation: search }));

  const text = readFileSync(join(t.directory, 'export', 'dogs.json'), 'utf8');
  expect(text).toBe(
    `[\n${ids
      .split(' ')
      .map((id) => `{"id":${id}}`)
      .join(',\n')}\n]\n`,
  );
});

test('SQL is exported under the names that it gives, a count too', async () => {
  await using t = await openWithDogs();
  const sql = (text: string): object => ({ search_operation: { operation: 'sql', sql: text } });

  await t.finish(ask(t, { format: 'csv', ...sql('SELECT name AS called, id FROM dev.dog WHERE id = 1') }));
  await t.finish(ask(t, { filename: 'count', ...sql('SELECT COUNT(*) FROM dev.dog') }));

  expect(readFileSync(join(t.directory, 'export', 'dogs.csv'), 'utf8')).toBe(
    'called,id\n"Penny, ""the"" dog\nof x",1\n',
  );
  expect(readFileSync(join(t.directory, 'export', 'count.json'), 'utf8')).toBe('[\n{"COUNT(*)":3}\n]\n');
});

test('a file without a name is named after the moment, and one of that name is replaced', async () => {
  await using t = await openWithDogs();
  writeFileSync(join(t.directory, 'export', 'dogs.json'), 'old');

  await t.finish(ask(t));
  const { result } = await t.finish(ask(t, { filename: undefined }));

  expect(readFileSync(join(t.directory, 'export', 'dogs.json'), 'utf8')).toMatch(/^\[\n/);
  expect((result as { path: string }).path).toMatch(/\/export\/\d{13}\.json$/);
});

test('a link of the name of the file is replaced, not followed', async () => {
  await using t = await openWithDogs();
  writeFileSync(join(t.directory, 'outside'), 'untouched');
  symlinkSync(join(t.directory, 'outside'), join(t.directory, 'export', 'dogs.json'));

  await t.finish(ask(t));

  expect(readFileSync(join(t.directory, 'outside'), 'utf8')).toBe('untouched');
  expect(readFileSync(join(t.directory, 'export', 'dogs.json'), 'utf8')).toMatch(/^\[\n/);
});

test.each([
  [{ path: '<directory>/import' }, /^No such file or directory .*: only paths inside .*\/export are used$/],
  [{ path: '..' }, /^No such file or directory \.\.: only/],
  [{ path: 'out' }, /^No such file or directory out: only/],
  [{ path: 'absent' }, /^No such file or directory absent$/],
  [{ path: 'file' }, /^file is not a directory$/],
  [{ filename: '../x' }, /^'filename' must be a name without/],
  [{ filename: '..' }, /^'filename' must be a name without/],
  [{ filename: 'a\0b' }, /^'filename' must be a name without/],
  [{ format: 'xml' }, /^'format' must be one of \[json, csv\]$/],
  [{ search_operation: undefined }, /^'search_operation' is required$/],
  [{ search_operation: { operation: 'drop_table' } }, /^'search_operation\.operation' must be one of/],
  [{ search_operation: { ...everything, explain: true } }, /^'search_operation' cannot have 'explain' or/],
  [{ search_operation: { ...everything, cursor: null } }, /^'search_operation' cannot have 'explain' or/],
  [{ search_operation: { operation: 'sql', sql: 'DELETE FROM dev.dog' } }, /^'sql' must be a SELECT here$/],
  [{ search_operation: { operation: 'sql', sql: 'SELECT * FROM dev.cow' } }, /^Table 'dev\.cow' does not/],
  [{ search_operation: { operation: 'sql', sql: 'SELECT a, b' } }, /Supported are: SELECT/],
  [{ search_operation: { operation: 'sql' } }, /^'search_operation\.sql' must be a string$/],
  [{ search_operation: { ...everything, table: 'cow' } }, /^Table 'dev\.cow' does not exist$/],
  [{ search_operation: { ...everything, table: 5 } }, /^'table' must be a string$/],
])('%j is refused before it is a job', async (change, message) => {
  await using t = await openWithDogs();
  symlinkSync(join(t.directory, 'import'), join(t.directory, 'export', 'out'));
  writeFileSync(join(t.directory, 'export', 'file'), '');
  const told = JSON.parse(JSON.stringify(ask(t, change)).replace('<directory>', t.directory)) as object;

  await expect(t.call(told)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  await expect(t.call(told, clusterUser)).rejects.toMatchObject({
    unauthorizedAccess: ["Operation 'export_local' is restricted to 'super_user' roles"],
  });
  expect(t.context.jobs.all()).toEqual([]);
});

test('an export that fails leaves no file', async () => {
  await using t = await openWithDogs();
  mkdirSync(join(t.directory, 'export', 'dogs.json'));

  expect(await t.finish(ask(t))).toMatchObject({ status: 'ERROR' });
  expect(readdirSync(join(t.directory, 'export'))).toEqual(['dogs.json']);
});

test.each(['search_by_value', 'search_by_id', 'sql'])(
  'an export by %s whose table is dropped meanwhile ends as ERROR and leaves no file',
  async (operation) => {
    await using t = await openJobContext();
    const ids = Array.from({ length: 20_000 }, (_, id) => id);
    await t.call({ operation: 'insert', ...dog, records: ids.map((id) => ({ id, text: 'x'.repeat(500) })) });
    const search = {
      ...{ operation, ...dog, sql: 'SELECT id, text FROM dev.dog' },
      ...(operation === 'search_by_id' ? { ids } : { attribute: 'id', value: '*' }),
    };
    const directory = join(t.directory, 'export');
    const started = (await t.call(ask(t, { search_operation: search }))) as { job_id: string };

    await vi.waitFor(
      () => {
        const [file] = readdirSync(directory);
        expect(file).toMatch(/partial$/);
        expect(statSync(join(directory, file ?? '')).size).toBeGreaterThan(10_000);
      },
      { interval: 1, timeout: 10_000 },
    );
    await t.call({ operation: 'drop_table', ...dog });

    expect(await t.ended(started.job_id)).toMatchObject({
      status: 'ERROR',
      message: "Table 'dev.dog' was dropped while it was read",
    });
    expect(readdirSync(directory)).toEqual([]);
  },
);

test('what was exported as CSV and is loaded again is what it was', async () => {
  await using t = await openJobContext();
  const value = fc.oneof(
    fc
      .string({ unit: 'grapheme' })
      .filter((text) => Number.isNaN(Number(text)) && !/^\s*[[{]|^(true|false|null)$/i.test(text)),
    fc.constantFrom('', '\r', '\n', '"', ',', '011', '\u2028'),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)),
    fc.boolean(),
    fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 3 }),
    fc.dictionary(fc.string(), fc.boolean(), { maxKeys: 3 }),
  );
  const path = join(t.directory, 'export', 'dogs.csv');
  let number = 0;

  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 6 }), async (rows) => {
      number += 1;
      const table = `dog${number}`;
      await t.call({ operation: 'create_table', schema: 'dev', table, primary_key: 'id' });
      await t.call({
        operation: 'insert',
        schema: 'dev',
        table,
        records: rows.map(([name, tags], id) => ({ id, name, tags })),
      });
      const search = { ...withoutTimes, table };
      const before = await t.call(search);

      await t.finish(ask(t, { format: 'csv', search_operation: search }));
      await t.call({ operation: 'drop_table', schema: 'dev', table });
      await t.call({ operation: 'create_table', schema: 'dev', table, primary_key: 'id' });
      const data = readFileSync(path, 'utf8');
      await t.finish({ operation: 'csv_data_load', schema: 'dev', table, data });

      expect(await t.call(search)).toEqual(before);
    }),
    { numRuns: 25 },
  );
});

test.skipIf(SmallDisk.hindrance !== undefined)(
  'nothing is exported to a disk that has only what must stay free, nor beyond',
  async () => {
    using disk = SmallDisk.make(64);
    const MiB = 2 ** 20;
    await using t = await openJobContext({
      exportDirectories: [disk.directory],
      minFreeDiskBytes: 16 * MiB,
    });
    const records = Array.from({ length: 4_000 }, (_, id) => ({ id, text: 't'.repeat(5_000) }));
    await t.call({ operation: 'insert', ...dog, records });
    const request = ask(t, { path: disk.directory, search_operation: everything });

    disk.fillUpTo(20 * MiB);
    expect(await t.finish(request)).toMatchObject({
      status: 'ERROR',
      message: expect.stringContaining('storage.minFreeDiskBytes keeps 16 MiB') as string,
    });
    expect(readdirSync(disk.directory)).toEqual([]);

    disk.fillUpTo(12 * MiB);
    await expect(t.call(request)).rejects.toMatchObject({ code: 'storage_failed' });
  },
);
