import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClockOffset } from '../../src/channel/clock-offset.ts';

const startMs = 1_800_000_000_000;

/** Our wall clock, our steady one and the peer's wall clock, over one true time. */
class Clocks {
  trueMs = 0;
  oursAheadMs = 0;
  theirsAheadMs = 0;
  readonly now = (): number => startMs + this.trueMs + this.oursAheadMs;
  readonly steadyMs = (): number => this.trueMs;

  theirs(): number {
    return startMs + this.trueMs + this.theirsAheadMs;
  }
}

function ask(clocks: Clocks, offset: ClockOffset, thereMs: number, backMs: number): void {
  const sentMs = clocks.steadyMs();
  clocks.trueMs += thereMs;
  const answer = clocks.theirs();
  clocks.trueMs += backMs;
  offset.heard(sentMs, answer);
}

test('the true offset is within the uncertainty, whatever way takes how long', () => {
  const delay = fc.nat(5_000);
  fc.assert(
    fc.property(
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.array(fc.tuple(delay, delay, delay), { minLength: 1, maxLength: 20 }),
      (theirsAheadMs, exchanges) => {
        const clocks = new Clocks();
        clocks.theirsAheadMs = theirsAheadMs;
        const offset = new ClockOffset(clocks);
        for (const [thereMs, backMs, pauseMs] of exchanges) {
          ask(clocks, offset, thereMs, backMs);
          clocks.trueMs += pauseMs;
        }

        const { offsetMs = NaN, uncertaintyMs = NaN } = offset.reading ?? {};
        expect(Math.abs(offsetMs - theirsAheadMs)).toBeLessThanOrEqual(uncertaintyMs + 1e-3);
      },
    ),
  );
});

test('the quickest of the last eight answers counts', () => {
  const clocks = new Clocks();
  clocks.theirsAheadMs = 1_000;
  const offset = new ClockOffset(clocks);
  expect(offset.reading).toBeUndefined();

  ask(clocks, offset, 2, 2);
  for (let exchange = 0; exchange < 7; exchange += 1) ask(clocks, offset, 0, 600);
  expect(offset.reading?.offsetMs).toBeCloseTo(1_000);
  expect(offset.reading?.uncertaintyMs).toBeLessThan(5);

  ask(clocks, offset, 0, 600);
  expect(offset.reading?.offsetMs).toBeCloseTo(700);
  expect(offset.reading?.uncertaintyMs).toBeGreaterThanOrEqual(300);
});

test('a clock that is set shows: ours at once, theirs within eight answers; after a reset nothing is known', () => {
  const clocks = new Clocks();
  const offset = new ClockOffset(clocks);
  ask(clocks, offset, 5, 5);
  clocks.oursAheadMs = -3_600_000;
  expect(offset.reading?.offsetMs).toBeCloseTo(3_600_000);

  clocks.oursAheadMs = 0;
  clocks.theirsAheadMs = 60_000;
  for (let exchange = 0; exchange < 8; exchange += 1) ask(clocks, offset, 10, 10);
  expect(offset.reading?.offsetMs).toBeCloseTo(60_000);

  offset.reset();
  expect(offset.reading).toBeUndefined();
});
