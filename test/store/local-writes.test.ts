import { describe, expect, test } from 'vitest';
import { deferred } from '../../src/runtime/deferred.ts';
import { LocalWrites } from '../../src/store/local-writes.ts';

describe('how long a commit for a peer may take', () => {
  function clocked(): { readonly writes: LocalWrites; readonly pass: (ms: number) => void } {
    let nowMs = 5_000;
    return { writes: new LocalWrites(() => nowMs), pass: (ms) => void (nowMs += ms) };
  }

  /** Milliseconds after which a commit that begins now has done enough. */
  function limitOf({ writes, pass }: ReturnType<typeof clocked>): number {
    const isEnough = writes.commitLimit();
    let ms = 0;
    for (; !isEnough(); ms += 1) pass(1);
    return ms;
  }

  test('is long while nobody writes here, and still leaves the first who does an answer within 100 ms', () => {
    const time = clocked();

    expect(limitOf(time)).toBeGreaterThanOrEqual(50);
    expect(limitOf(time)).toBeLessThan(100);
  });

  test('is a few milliseconds once somebody writes, until nobody has for a second', () => {
    const time = clocked();
    time.writes.noticed();

    expect(limitOf(time)).toBeLessThanOrEqual(5);
    time.pass(900);
    expect(limitOf(time)).toBeLessThanOrEqual(5);
    time.pass(200);
    expect(limitOf(time)).toBeGreaterThanOrEqual(50);
  });

  test('is shared by all who apply at once, since they may meet in one transaction', async () => {
    const time = clocked();
    const alone = limitOf(time);
    const rest = deferred<undefined>();
    const applying = [1, 2, 3, 4].map(async () => time.writes.whileApplying(async () => rest.promise));

    expect(4 * limitOf(time)).toBeLessThanOrEqual(alone);
    rest.resolve(undefined);
    await Promise.all(applying);
    expect(limitOf(time)).toBe(alone);
  });
});
