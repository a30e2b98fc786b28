import { expect, test } from 'vitest';
import { atLeastSpeed } from '../../../src/operation/job/least-speed.ts';

const minuteMs = 60_000;

/** Reads chunks of a length, each after a time of waiting, and works on each for a time; answers how many came. */
async function read(
  chunks: readonly { readonly bytes: number; readonly afterMs: number }[],
  workMs = 0,
): Promise<number | string> {
  let nowMs = 5;
  async function* source(): AsyncGenerator<Buffer, void, undefined> {
    for (const { bytes, afterMs } of chunks) {
      nowMs += afterMs;
      yield Buffer.alloc(bytes);
    }
  }
  let count = 0;
  try {
    for await (const _ of atLeastSpeed(source(), () => nowMs)) {
      count += 1;
      nowMs += workMs;
    }
  } catch (error) {
    return `${count}: ${String(error)}`;
  }
  return count;
}

const drop = { bytes: 1, afterMs: minuteMs };

test('a source that brings fewer than 640 KiB in 10 minutes fails', async () => {
  expect(await read(Array<typeof drop>(9).fill(drop))).toBe(9);
  expect(await read(Array.from({ length: 10 }, () => ({ ...drop, bytes: 65_535 })))).toBe(
    '9: Error: it brought fewer than 640 KiB in 10 minutes',
  );
});

test('one that brings as much may take a day, and what was fast before does not count', async () => {
  const enough = { bytes: 65_536, afterMs: minuteMs };

  expect(await read(Array<typeof drop>(1_440).fill(enough))).toBe(1_440);
  expect(await read(Array<typeof drop>(1_441).fill(enough))).toBe(
    '1440: Error: it was not whole after 24 hours',
  );
  expect(
    await read([{ bytes: 2 ** 20, afterMs: 10 * minuteMs }, ...Array<typeof drop>(10).fill(drop)]),
  ).toMatch(/^10: /);
});

test('the time that its reader takes does not count', async () => {
  expect(await read(Array<typeof drop>(9).fill(drop), 60 * minuteMs)).toBe(9);
});

test('but it is part of the day that a source may take', async () => {
  const fast = { bytes: 2 ** 20, afterMs: 0 };

  expect(await read(Array<typeof drop>(30).fill(fast), 60 * minuteMs)).toMatch(/^25: /);
});
