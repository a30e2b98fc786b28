import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('package-lock.json says what is installed, and no address of a registry', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));

  const addresses = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined);

  expect(addresses).toEqual([]);
});
