import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operations } from '../../src/operation/registry.ts';

test('docs/compatibility.md has every operation of the registry', () => {
  const page = readFileSync('docs/compatibility.md', 'utf8');
  const groups: Readonly<Record<string, string>> = {
    describe_all: 'describe_*',
    describe_database: 'describe_*',
    describe_table: 'describe_*',
  };

  const missing = operations
    .map(({ name }) => name)
    .filter((name) => !page.includes(name) && !page.includes(groups[name] ?? name));

  expect(missing).toEqual([]);
});
