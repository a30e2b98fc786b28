import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { completionScript, withOperations } from '../../src/cli/completion.ts';
import { operations } from '../../src/operation/registry.ts';

const completions = withOperations({
  words: new Map([
    ['start', []],
    ['import', ['--database', '--table']],
  ]),
  options: ['--json', '--target'],
});

/** What bash offers for the last of the words. */
function offered(...words: readonly string[]): readonly string[] {
  const typed = words.map((word) => `'${word}'`).join(' ');
  const script = `${completionScript('bash', completions)}
COMP_WORDS=(lyre ${typed}); COMP_CWORD=${words.length}; _lyre; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter((word) => word !== '');
}

test('bash offers commands and operations under all their names', () => {
  expect(offered('describe_t')).toEqual(['describe_table']);
  expect(offered('create_s')).toEqual(['create_schema']);
  expect(offered('st')).toEqual(['start']);
  expect(offered('')).toEqual([
    ...['start', 'import', ...operations.flatMap(({ name, aliases }) => [name, ...aliases])],
    ...['--json', '--target'],
  ]);
});

test('bash offers the fields of the operation, the options of the command, and nothing for a value', () => {
  expect(offered('csv_data_load', '')).toEqual(
    expect.arrayContaining(['database=', 'table=', 'action=', 'data=', '--json']),
  );
  expect(offered('csv_data_load', 'table', '=', 'dog', 'act')).toEqual(['action=']);
  expect(offered('csv_data_load', 'table', '=')).toEqual([]);
  expect(offered('csv_data_load', 'table', '=', 'da')).toEqual([]);
  expect(offered('import', '--t')).toEqual(['--table', '--target']);
  expect(offered('nothing', '--j')).toEqual(['--json']);
});

test('zsh has the same words', () => {
  const script = completionScript('zsh', completions);

  for (const { name, aliases } of operations)
    for (const one of [name, ...aliases]) expect(script).toContain(` ${one} `);
  expect(script).toMatch(/^ +create_table\) compadd -S '' -- (\S+= )*table= /m);
  expect(script).toMatch(/^ +import\) compadd -S '' -- --database --table ;;$/m);
});

test('no word of the scripts means something to a shell', () => {
  for (const [word, next] of completions.words)
    for (const one of [word, ...next]) expect(one).toMatch(/^[\w-]+=?$/);
});
