import { expect, test } from 'vitest';
import { operationsPage, readSummaries } from '../../scripts/operations-page.ts';
import { operations } from '../../src/operation/registry.ts';

test('docs/operations.md is what the registry says: else run npm run docs', async () => {
  const summaries = readSummaries('src/operation');

  const page = operationsPage(operations, summaries);

  await expect(page).toMatchFileSnapshot('../../docs/operations.md');
});

test('every operation says what it does', () => {
  const summaries = readSummaries('src/operation');

  expect(operations.filter(({ name }) => !summaries.get(name)).map(({ name }) => name)).toEqual([]);
});
