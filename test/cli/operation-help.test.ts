import { expect, test } from 'vitest';
import { wordsOf } from '../../src/cli/config-flags.ts';
import { didYouMean } from '../../src/cli/did-you-mean.ts';
import { operationHelp } from '../../src/cli/operation-help.ts';
import { operations } from '../../src/operation/registry.ts';

test('the help of an operation has its names, and its fields with both spellings, type and default', async () => {
  const help = await operationHelp(['create_schema']);

  expect(help).toContain('Usage: lyre create_database | create_schema [key=value ...] [flags]\n');
  expect(await operationHelp(['help', 'create_database'])).toBe(help);
  expect(await operationHelp(['csv_data_load', 'table=dog'])).toMatch(
    /Fields:\n {2}database, schema {2}string, "data" if not given\n {2}table +string, required\n {2}action +insert, update, upsert, "insert" if not given\n/,
  );
});

test('the help of an operation unfolds the fields that are objects', async () => {
  expect(await operationHelp(['add_node'])).toMatch(/\nsubscriptions: \{\n {2}channel\?: string,\n/);
});

test('every operation has help, and nothing else has this one', async () => {
  for (const { name } of operations) expect(await operationHelp([name])).toContain(`lyre ${name}`);
  for (const words of [[], ['start'], ['help'], ['help', 'import'], ['constructor']])
    expect(await operationHelp(words)).toBeUndefined();
});

test('a word that is nearly an operation or a command is told with that one', async () => {
  const commands = ['import', 'status'];

  expect(await didYouMean('insrt', commands)).toBe('; did you mean insert?');
  expect(await didYouMean('statu', commands)).toBe('; did you mean status?');
  expect(await didYouMean('delete_recods_before', commands)).toBe('; did you mean delete_records_before?');
  expect(await didYouMean('frobnicate', commands)).toBe('; lyre --help names the commands');
});

test('values of options are no words', () => {
  expect(wordsOf(['--target', 'http://x', 'insert', '--json', 'table=dog', '-h'])).toEqual([
    'insert',
    'table=dog',
  ]);
});
