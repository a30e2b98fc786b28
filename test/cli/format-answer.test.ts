import { expect, it } from 'vitest';
import { formatAnswer } from '../../src/cli/format-answer.ts';

it('shows a list of objects as a table with every key, numbers to the right', () => {
  const rows = [
    { id: 1, name: 'Penny' },
    { id: 20, name: 'Kato', owners: ['A', 'B'] },
  ];

  expect(formatAnswer(rows)).toBe(
    ['id  name   owners', '--  -----  ---------', ' 1  Penny', '20  Kato   ["A","B"]'].join('\n'),
  );
});

it('shows an object as aligned keys and values, and its lists of objects as tables', () => {
  const status = { node_name: 'edge', is_enabled: true, connections: [{ node_name: 'host', lag: 3 }] };

  expect(formatAnswer(status)).toBe(
    [
      'node_name   edge',
      'is_enabled  true',
      '',
      'connections:',
      'node_name  lag',
      '---------  ---',
      'host         3',
    ].join('\n'),
  );
});

it.each([
  [[], 'none'],
  [{}, 'none'],
  [['a', 1], 'a\n1'],
  ['text', 'text'],
  [null, 'null'],
  [{ message: 'inserted 1 of 1 records' }, 'message  inserted 1 of 1 records'],
])('shows %j', (value, expected) => {
  expect(formatAnswer(value)).toBe(expected);
});

it('shows control characters as escapes', () => {
  const [, , row] = formatAnswer([{ name: 'a\u001B[31m\n\u009B\u202Eb' }]).split('\n');

  expect(row).toBe('a\\u001b[31m\\n\\u009b\\u202eb');
});
