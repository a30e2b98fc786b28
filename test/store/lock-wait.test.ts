import { expect, test } from 'vitest';
import { LockWait } from '../../src/store/lock-wait.ts';

/** A transaction whose steps a test takes. */
function steps(): { readonly run: (begun: () => void) => Promise<void>; begin: () => void; end: () => void } {
  const transaction = {
    begin: () => {},
    end: () => {},
    run: (begun: () => void): Promise<void> =>
      new Promise((resolve) => {
        transaction.begin = begun;
        transaction.end = resolve;
      }),
  };
  return transaction;
}

test('the wait counts from when the line last moved, and only while somebody stands in it', async () => {
  let nowMs = 100;
  const wait = new LockWait(() => nowMs);
  expect(wait.ms).toBe(0);
  const [first, second] = [steps(), steps()];

  const firstDone = wait.for(first.run);
  nowMs += 10;
  expect(wait.ms).toBe(10);
  first.begin();
  expect(wait.ms).toBe(0);
  nowMs += 10;
  const secondDone = wait.for(second.run);
  nowMs += 10;
  expect(wait.ms).toBe(10);
  // What a long flush of our own has taken is nobody else's.
  first.end();
  await firstDone;
  expect(wait.ms).toBe(0);
  nowMs += 5;
  expect(wait.ms).toBe(5);
  second.begin();
  second.end();
  await secondDone;
  nowMs += 10;
  expect(wait.ms).toBe(0);
});

test('a transaction that fails before it begins leaves the line', async () => {
  const wait = new LockWait(() => 0);

  await expect(wait.for(() => Promise.reject(new Error('closed')))).rejects.toThrow('closed');

  expect(wait.ms).toBe(0);
});
