import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import { RareLines } from '../../src/runtime/rare-lines.ts';

function open(windowMs: number) {
  const lines: Record<string, unknown>[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => lines.push(JSON.parse(line)) });
  return {
    lines,
    rare: new RareLines({ log, level: 'warn', message: 'refused', field: 'address', windowMs }),
  };
}

const line = { level: 40, address: 'a', msg: 'refused' };

test('of each key a few lines are written, and how many were not once the time is over', async () => {
  const { lines, rare } = open(50);

  for (let count = 0; count < 1_000; count += 1) rare.write('a', { status: count });
  rare.write('b');

  expect(lines).toEqual([
    ...[0, 1, 2, 3, 4].map((status) => ({ ...line, status })),
    { ...line, address: 'b' },
  ]);
  await vi.waitFor(() => expect(lines.slice(6)).toEqual([{ ...line, notLogged: 995 }]));
  rare.write('a');
  expect(lines.at(-1)).toEqual(line);
});

test('any number of keys writes a bounded number of lines', async () => {
  const { lines, rare } = open(50);

  for (let count = 0; count < 10_000; count += 1) rare.write(`${count}`);

  expect(lines).toHaveLength(105);
  await vi.waitFor(() => expect(lines.slice(105)).toEqual([{ level: 40, msg: 'refused', notLogged: 9_895 }]));
});
