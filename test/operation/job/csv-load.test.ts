import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { createWriteStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { stringify } from 'csv-stringify/sync';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { startCsvLoad } from '../../../src/operation/job/csv-load.ts';
import { clusterUser } from '../open-context.ts';
import { openPlaces, type PlacesContext } from '../open-places.ts';
import { dog } from '../dog.ts';
import { openJobContext, type JobContext, type ToldJob } from './open-job-context.ts';

function load(t: JobContext, data: string, extra: object = {}) {
  return t.finish({ operation: 'csv_data_load', ...dog, data, ...extra });
}

test('a load answers at once with its job, whose row tells everything about it', async () => {
  await using t = await openJobContext();

  const job = await load(t, 'id,name,age\n1,Penny,5\n2,Rex,\n');

  expect(job).toEqual({
    id: job['id'],
    type: 'csv_data_load',
    user: 'local',
    status: 'COMPLETE',
    message: 'successfully loaded 2 of 2 records',
    job_body: null,
    created_datetime: expect.any(Number),
    start_datetime: expect.any(Number),
    end_datetime: expect.any(Number),
    start_datetime_converted: new Date(job['start_datetime'] as number).toISOString(),
    end_datetime_converted: new Date(job['end_datetime'] as number).toISOString(),
    __createdtime__: expect.any(Number),
    __updatedtime__: expect.any(Number),
    progress: { rows: 2, bytes: 29, total_bytes: 29, rate: expect.any(Number), eta: null },
  });
  expect(await t.dogs()).toEqual([
    { id: 1, name: 'Penny', age: 5 },
    { id: 2, name: 'Rex', age: '' },
  ]);
});

test('insert skips keys that exist, update those that do not, upsert none', async () => {
  await using t = await openJobContext();
  await load(t, 'id,name\n1,Penny\n');
  const data = 'id,age\n1,5\n2,6\n';

  const messages = [];
  for (const action of [undefined, 'update', 'upsert'])
    messages.push((await load(t, data, { action })).message);

  expect(messages).toEqual([
    'successfully loaded 1 of 2 records',
    'successfully loaded 2 of 2 records',
    'successfully loaded 2 of 2 records',
  ]);
  expect(await t.dogs()).toEqual([
    { id: 1, name: 'Penny', age: 5 },
    { id: 2, name: null, age: 6 },
  ]);
  expect(await load(t, 'id\n3\n', { action: 'update' })).toMatchObject({
    message: 'successfully loaded 0 of 1 records',
  });
});

test('the transaction log calls a load by its action, under the name of who asked', async () => {
  await using t = await openJobContext();

  await load(t, 'id,name\n1,Penny\n');

  expect(await t.call({ operation: 'read_transaction_log', ...dog })).toMatchObject([
    { operation: 'insert', user: 'local', records: [{ id: 1, name: 'Penny' }] },
  ]);
});

test.each([['id,name\n'], ['\n\n'], ['\ufeffid\n']])('%j has no records', async (data) => {
  await using t = await openJobContext();

  expect(await load(t, data)).toMatchObject({
    status: 'COMPLETE',
    message: 'No records parsed from csv file.',
  });
});

test('white space in names counts, empty lines and cells beyond the names do not; a missing key is drawn', async () => {
  await using t = await openJobContext();

  await load(t, 'id, name\r\n\r\n1, Penny,,\r\n2\r\n');
  expect(await t.dogs()).toEqual([
    { id: 1, ' name': ' Penny' },
    { id: 2, ' name': null },
  ]);
  expect(await load(t, 'id,name\n,Anon\n')).toMatchObject({ message: 'successfully loaded 1 of 1 records' });
  expect((await t.dogs())[2]).toMatchObject({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), name: 'Anon' });
});

test.each([
  ['s/ome=attribute,id\n1,2\n', "Invalid column name 's/ome=attribute', cancelling load operation"],
  ['id,\n1,2\n', "Invalid column name '', cancelling load operation"],
  ['id,id\n1,2\n', "Column name 'id' appears twice, cancelling load operation"],
  ['id,a\n1,2,3\n', 'Row 1 has 3 values for 2 columns, cancelling load operation'],
  ['id,a\n1,"open\n', expect.stringMatching(/^Quote Not Closed: .*, cancelling load operation$/)],
  [
    'id,a\nnull,1\n',
    "Invalid hash value: 'null' is not a valid hash attribute value, check log for more info",
  ],
])('%j is an error of the job and writes nothing', async (data, message) => {
  await using t = await openJobContext();

  expect(await load(t, data)).toMatchObject({ status: 'ERROR', message });
  expect(await t.dogs()).toEqual([]);
});

test('a failed load tells the beginning of a long name', async () => {
  await using t = await openJobContext();
  const long = `/${'x'.repeat(2 ** 20)}`;

  expect((await load(t, `id,${long}\n1,2\n`)).message).toBe(
    `Invalid column name '${long.slice(0, 300)}…', cancelling load operation`,
  );
  expect(await t.dogs()).toEqual([]);
});

test('a file in another encoding is an error of the job and writes nothing', async () => {
  await using t = await openJobContext();
  writeFileSync(join(t.directory, 'import', 'old.csv'), 'id,name\n1,Bj\xf8rn\n', 'latin1');

  const job = await t.finish({ operation: 'csv_file_load', ...dog, file_path: 'old.csv' });

  expect(job).toMatchObject({
    status: 'ERROR',
    message: 'The file is not UTF-8 in line 2: convert it and load it again',
  });
  expect(await t.dogs()).toEqual([]);
});

test.each([
  [{ table: 'cat' }, 'invalid_request', "Table 'dev.cat' does not exist"],
  [{ schema: 'x' }, 'invalid_request', "database 'x' does not exist"],
  [{ data: 1 }, 'invalid_request', "'data' must be a string"],
  [{ data: undefined }, 'invalid_request', "'data' is required"],
  [{ action: 'drop' }, 'invalid_request', "'action' must be one of [insert, update, upsert]"],
  [{ schema: 'system', table: 'hdb_nodes' }, 'invalid_request', expect.stringContaining('hdb_nodes')],
])('a load with %j is refused before it is a job', async (change, code, message) => {
  await using t = await openJobContext();
  const asked = t.call({ operation: 'csv_data_load', ...dog, data: 'id\n1\n', ...change });

  await expect(asked).rejects.toMatchObject({ code, message });
  expect([...t.context.jobs.all()]).toEqual([]);
});

test('a column that the user may not write is an error of the job, which tells the whole refusal', async () => {
  await using t = await openPlaces();
  const load = async (data: string, action: string): Promise<unknown> => {
    const started = await t.call({ operation: 'csv_data_load', ...dog, data, action }, t.users.attributes);
    const { job_id: id } = started as { job_id: string };
    return vi.waitFor(async () => {
      const [job] = (await t.call({ operation: 'get_job', id })) as ToldJob[];
      expect(job?.status).toMatch(/COMPLETE|ERROR/);
      return job?.message;
    });
  };

  expect(await load('id,name\n2,Max\n', 'upsert')).toBe('successfully loaded 1 of 1 records');
  expect(await load('id,name,secret\n3,Max,y\n', 'insert')).toEqual({
    error: 'This operation is not authorized due to role restrictions and/or invalid database items',
    unauthorized_access: [],
    invalid_schema_items: ["Attribute 'secret' does not exist on 'dev.dog'"],
  });
  expect(await t.call({ operation: 'search_by_id', ...dog, ids: [2, 3], get_attributes: ['name'] })).toEqual([
    { name: 'Max' },
  ]);
});

test.each<[string, (t: PlacesContext) => Promise<unknown>, unknown]>([
  [
    'dropped',
    (t) => t.call({ operation: 'drop_user', username: 'writer' }),
    "User 'writer' or its role was dropped after this job was asked for",
  ],
  [
    'dropped and made again',
    async (t) => {
      await t.call({ operation: 'drop_user', username: 'writer' });
      await t.call({
        operation: 'add_user',
        username: 'writer',
        password: 'x',
        role: 'writer',
        active: true,
      });
    },
    "User 'writer' or its role was dropped after this job was asked for",
  ],
  [
    'not active',
    (t) => t.call({ operation: 'alter_user', username: 'writer', active: false }),
    "User 'writer' is not active any more",
  ],
  [
    'narrowed',
    (t) => t.call({ operation: 'alter_user', username: 'writer', role: 'reader' }),
    expect.objectContaining({ unauthorized_access: [expect.objectContaining({ table: 'dog' })] }),
  ],
])('a load whose user is %s meanwhile writes no more', async (_name, change, message) => {
  await using t = await openPlaces();
  const context = { ...t.context, user: t.users.writer };
  const request = { ...dog, action: 'insert' } as const;
  const sources = [new PassThrough(), new PassThrough()];
  const start = (source: PassThrough) =>
    startCsvLoad(context, { type: 'csv_data_load' }, request, () =>
      Promise.resolve({ stream: source, totalBytes: null }),
    ) as Promise<{ job_id: string }>;
  const jobs: { job_id: string }[] = [];
  for (const source of sources) jobs.push(await start(source));
  const told = () => jobs.map(({ job_id: id }) => t.context.jobs.get(id));
  sources[0]?.write(`id\n${Array.from({ length: 1_100 }, (_, index) => `${index + 10}\n`).join('')}`);
  await vi.waitFor(() => expect(told()[0]).toMatchObject({ progress: { rows: 1_000 } }), 10_000);

  await change(t);
  for (const source of sources) source.end('id\n5\n');

  await vi.waitFor(() => expect(told()).toMatchObject([{ status: 'ERROR' }, { status: 'ERROR' }]), 10_000);
  expect(told()).toMatchObject([{ message }, { message }]);
  expect(await t.call({ operation: 'search_by_id', ...dog, ids: [5], get_attributes: ['id'] })).toEqual([]);
});

test('who may not write the table starts no load', async () => {
  await using t = await openJobContext();

  for (const action of ['insert', 'update', 'upsert'])
    await expect(
      t.call({ operation: 'csv_data_load', ...dog, data: 'id\n1\n', action }, clusterUser),
    ).rejects.toMatchObject({ code: 'forbidden' });
});

test('whatever texts and values a CSV holds, the rows hold them', async () => {
  await using t = await openJobContext();
  const odd = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      '"',
      '""',
      ',',
      '\n',
      '\r\n',
      '\r',
      ' x ',
      '011',
      'TRUE ',
      '{',
      '=1+1',
      '\u2028',
      '\ufeff',
    ),
  );
  // What the typing rules leave alone; they have a table of their own.
  const cell = odd.filter(
    (text) => Number.isNaN(Number(text)) && !/^\s*[[{]|^(true|false|null)$/i.test(text),
  );
  const name = fc.stringMatching(/^[a-z][ -.0-_a-~]{0,9}$/).filter((text) => !text.startsWith('id'));
  let next = 0;

  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
      fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
      async (names, lines) => {
        const rows = lines.map((line) => [String((next += 1)), ...line.slice(0, names.length)]);

        const job = await load(t, stringify([['id', ...names], ...rows]));

        expect(job.message).toBe(`successfully loaded ${rows.length} of ${rows.length} records`);
        const stored = await t.call({
          operation: 'search_by_id',
          ...dog,
          ids: rows.map(([id]) => Number(id)),
          get_attributes: ['id', ...names],
        });
        expect(stored).toEqual(
          rows.map(([id, ...cells]) =>
            Object.fromEntries([['id', Number(id)], ...names.map((column, index) => [column, cells[index]])]),
          ),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test('requests are answered while a load runs, and see whole chunks of it', async () => {
  await using t = await openJobContext();
  const rows = 20_000;
  const lines = Array.from({ length: rows }, (_, id) => `${id},dog ${id}\n`);
  const started = (await t.call({
    operation: 'csv_data_load',
    ...dog,
    data: `id,name\n${lines.join('')}`,
  })) as { job_id: string };

  const seen = new Set<number>();
  let isRunning = true;
  while (isRunning) {
    await nextTurn();
    const table = t.store.catalog.table('dev', 'dog');
    const [job] = (await t.call({ operation: 'get_job', id: started.job_id })) as ToldJob[];
    isRunning = job?.status === 'CREATED' || job?.status === 'IN_PROGRESS';
    seen.add(table ? t.store.statistics(table).records : 0);
  }

  expect(seen.size).toBeGreaterThan(5);
  for (const count of seen) expect(count % 1_000).toBe(0);
  expect(Math.max(...seen)).toBe(rows);
});

/** What is live, not what waits to be collected, must stay small. */
const collectGarbage = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

test('a file of 200,000 rows is loaded and exported again, byte for byte, and memory does not grow with it', async () => {
  await using t = await openJobContext();
  const rows = 200_000;
  const padding = 'x'.repeat(500);
  const path = join(t.directory, 'import', 'big.csv');
  const file = createWriteStream(path);
  file.write('id,name,text\n');
  for (let id = 0; id < rows; id += 1)
    if (!file.write(`${id},dog ${id},${padding}\n`)) await once(file, 'drain');
  file.end();
  await once(file, 'finish');
  const { size } = statSync(path);
  const used = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed + process.memoryUsage().external;
  };
  const before = used();
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(used() - before), 500);

  const job = await t.finish({ operation: 'csv_file_load', ...dog, file_path: path });
  const loadSamples = samples.length;
  const exported = await t.finish({
    operation: 'export_local',
    format: 'csv',
    path: '.',
    filename: 'big',
    search_operation: {
      operation: 'search_by_value',
      ...dog,
      attribute: 'id',
      value: '*',
      get_attributes: ['id', 'name', 'text'],
    },
  });
  clearInterval(timer);

  expect(job).toMatchObject({
    message: `successfully loaded ${rows} of ${rows} records`,
    progress: { rows, bytes: size, total_bytes: size },
  });
  expect(exported['progress']).toMatchObject({ rows, bytes: size });
  expect(readFileSync(join(t.directory, 'export', 'big.csv')).equals(readFileSync(path))).toBe(true);
  expect(loadSamples).toBeGreaterThan(3);
  expect(samples.length).toBeGreaterThan(loadSamples);
  expect(Math.max(...samples)).toBeLessThan(size / 4);
}, 120_000);
