import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openInside } from '../../../src/operation/job/allowed-path.ts';
import { dog } from '../dog.ts';
import { openJobContext, type JobContext } from './open-job-context.ts';

/** A directory with a file inside, one outside, and every way from the inside out. */
async function openWithFiles(): Promise<JobContext> {
  const t = await openJobContext();
  const inside = join(t.directory, 'import');
  writeFileSync(join(inside, 'dogs.csv'), 'id\n1\n');
  mkdirSync(join(inside, 'sub'));
  writeFileSync(join(t.directory, 'secret.csv'), 'id\n666\n');
  mkdirSync(join(t.directory, 'import-other'));
  writeFileSync(join(t.directory, 'import-other', 'secret.csv'), 'id\n666\n');
  symlinkSync(join(t.directory, 'secret.csv'), join(inside, 'link.csv'));
  symlinkSync(t.directory, join(inside, 'up'));
  symlinkSync(join(inside, 'dogs.csv'), join(inside, 'sub', 'within.csv'));
  symlinkSync('loop', join(inside, 'loop'));
  execFileSync('mkfifo', [join(inside, 'pipe.csv')]);
  return t;
}

function load(t: JobContext, path: string): Promise<unknown> {
  return t.call({ operation: 'csv_file_load', ...dog, file_path: path });
}

test.each(['dogs.csv', 'sub/../dogs.csv', 'sub/within.csv', '<directory>/import/dogs.csv', './dogs.csv'])(
  'a file inside is loaded as %s',
  async (path) => {
    await using t = await openWithFiles();

    const told = path.replace('<directory>', t.directory);
    const job = await t.finish({ operation: 'csv_file_load', ...dog, file_path: told });

    expect(job.message).toBe('successfully loaded 1 of 1 records');
  },
);

test.each([
  '../secret.csv',
  'sub/../../secret.csv',
  'link.csv',
  'up/secret.csv',
  'up/import-other/secret.csv',
  '../import-other/secret.csv',
  '<directory>/secret.csv',
  '<directory>/import/../secret.csv',
  '/etc/passwd',
  '/no/such/file.csv',
  '..',
])('%s is outside, whether it exists or not', async (path) => {
  await using t = await openWithFiles();
  const told = path.replace('<directory>', t.directory);

  await expect(load(t, told)).rejects.toMatchObject({
    code: 'invalid_request',
    message: `No such file or directory ${told}: only paths inside ${join(t.directory, 'import')} are used`,
  });
});

test.each([
  ['absent.csv', 'No such file or directory absent.csv'],
  ['dogs.csv/x', 'No such file or directory dogs.csv/x'],
  ['loop', 'No such file or directory loop'],
  ['a\0b', 'No such file or directory a\0b'],
  ['x'.repeat(300), `No such file or directory ${'x'.repeat(300)}`],
  ['sub', 'sub is not a file'],
  ['pipe.csv', 'pipe.csv is not a file'],
])('%j inside is refused in words', async (path, message) => {
  await using t = await openWithFiles();

  await expect(load(t, path)).rejects.toMatchObject({ code: 'invalid_request', message });
});

test('a relative path is looked for in every directory', async () => {
  await using t = await openWithFiles();
  const directories = [join(t.directory, 'import-other'), join(t.directory, 'import')];

  const file = await openInside('dogs.csv', directories);

  expect(await file.readFile('utf8')).toBe('id\n1\n');
  await file.close();
});
