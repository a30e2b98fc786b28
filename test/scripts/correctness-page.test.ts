import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('docs/correctness.md says of every test of real nodes what it does, and of no other', () => {
  const [, table = ''] = readFileSync('docs/correctness.md', 'utf8').split(/\n(?=\| `test\/cluster\/`)/);
  const [, , ...rows] = table.slice(0, table.indexOf('\n\n')).split('\n');
  const named = rows.flatMap((row) => row.split('|')[1]?.match(/[a-z-]+(?=`)/g) ?? []);

  const there = readdirSync('test/cluster').filter((name) => name.endsWith('.test.ts'));

  expect(named.toSorted()).toEqual(there.map((name) => name.replace('.test.ts', '')).toSorted());
});
