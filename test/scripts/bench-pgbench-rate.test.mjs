import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { pgbenchRate } from '../../scripts/benchmark/pgbench-rate.mjs';

/**
 * A program that says what pgbench says.
 *
 * @param {readonly string[]} lines
 * @param {number} [status]
 */
function pgbench(lines, status = 0) {
  const program = `
    const [status, ...lines] = ${JSON.stringify([status, ...lines])};
    const say = () => {
      if (lines.length === 0) process.exit(status);
      process.stderr.write(lines.shift() + '\\n');
      setTimeout(say, 20);
    };
    say();`;
  return spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Counts what it is asked for. */
function usageOf() {
  const said = [];
  const usage = { seconds: 2, clientCpu: 0, elsewhereCpu: 0, systemSeconds: 1 };
  const startUsage = () => {
    said.push('begins');
    return () => {
      said.push('ends');
      return usage;
    };
  };
  return { said, usage, startUsage };
}

test('the seconds in which pgbench connects and disconnects are not in the window', async () => {
  const { said, usage, startUsage } = usageOf();
  const child = pgbench([
    'pgbench (15.18)',
    'progress: 1760000001.000 s, 500.0 tps, lat 9.000 ms stddev 1.000, 0 failed',
    'progress: 1760000002.000 s, 1000.0 tps, lat 1.000 ms stddev 1.000, 0 failed',
    'progress: 1760000003.100 s, 2000.0 tps, lat 2.000 ms stddev 1.000, 0 failed',
    'progress: 1760000004.000 s, 10.0 tps, lat 99.000 ms stddev 1.000, 0 failed',
    'tps = 900.0 (without initial connection time)',
  ]);

  const rate = await pgbenchRate(child, { seconds: 2, startUsage });

  expect(rate.rows).toBeCloseTo(3_200, 2);
  expect(rate.rowsPerSecond).toBeCloseTo(3_200 / 2.1, 2);
  expect(rate.meanMs).toBeCloseTo((1_000 * 1 + 2_200 * 2) / 3_200, 2);
  expect(rate.usage).toBe(usage);
  expect(said).toEqual(['begins', 'ends']);
});

test.each([
  ['a failure', ['progress: 1.000 s, 5.0 tps, lat 1.000 ms', 'progress: 2.000 s, 5.0 tps, lat 1.000 ms'], 1],
  ['silence', ['progress: 1.000 s, 5.0 tps, lat 1.000 ms'], 0],
])('%s of pgbench is an error with what it said', async (_, lines, status) => {
  const { startUsage } = usageOf();

  await expect(pgbenchRate(pgbench(lines, status), { seconds: 1, startUsage })).rejects.toThrow(
    'pgbench failed: progress: 1.000 s',
  );
});
