import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Report } from '../../scripts/benchmark/report.mjs';

/** @type {string[]} */
let lines;

beforeEach(() => {
  lines = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
});

afterEach(() => vi.restoreAllMocks());

test('a figure of several runs is its median with the spread, and ratios are taken run by run', () => {
  const report = new Report(['ours', 'theirs']);
  for (const [ours, theirs] of [
    [100, 200],
    [90, 100],
    [120, 400],
  ]) {
    report.nextRun();
    report.figure('ours', rate(ours));
    report.figure('theirs', rate(theirs));
  }

  expect(report.summaries()).toEqual([
    {
      figure: 'S1 inserts',
      load: 'S1',
      unit: 'rows/s',
      better: 'higher',
      systems: {
        ours: { median: 100, min: 90, max: 120, runs: 3 },
        theirs: { median: 200, min: 100, max: 400, runs: 3 },
      },
      ratio: { median: 0.5, min: 0.3, max: 0.9, runs: 3 },
      of: 'ours/theirs',
    },
  ]);
  expect(lines.map((line) => JSON.parse(line).run)).toEqual([1, 1, 2, 2, 3, 3]);
});

test('the median of an even number of runs lies between the two in the middle', () => {
  const report = new Report(['ours']);
  for (const value of [40, 10, 20, 30]) {
    report.nextRun();
    report.figure('ours', rate(value));
  }

  expect(report.summaries()[0]?.systems.ours).toEqual({ median: 25, min: 10, max: 40, runs: 4 });
});

test('twice as fast in one run and half as fast in the other is as fast', () => {
  const report = new Report(['ours', 'theirs']);
  for (const [ours, theirs] of [
    [200, 100],
    [50, 100],
  ]) {
    report.nextRun();
    report.figure('ours', rate(ours));
    report.figure('theirs', rate(theirs));
  }

  expect(report.summaries()[0]?.ratio).toEqual({ median: 1, min: 0.5, max: 2, runs: 2 });
});

test('a system that failed in a run keeps the figures of its other runs, and has no ratio of that run', () => {
  const report = new Report(['ours', 'theirs']);
  report.nextRun();
  report.figure('ours', rate(50));
  report.failure('theirs', 'S1', new Error('The node closed the connection'));
  report.nextRun();
  report.figure('ours', rate(70));
  report.figure('theirs', rate(100));

  const [summary] = report.summaries();

  expect(summary?.systems).toMatchObject({ ours: { runs: 2 }, theirs: { runs: 1 } });
  expect(summary?.ratio).toEqual({ median: 0.7, min: 0.7, max: 0.7, runs: 1 });
});

test('the table says from how many samples a p99 was taken, of the run that has fewest', () => {
  const report = new Report(['ours']);
  /** @type {string[]} */
  const table = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => table.push(String(text)) > 0);
  for (const samples of [200, 167]) {
    report.nextRun();
    for (const name of ['p50', 'p99'])
      report.figure('ours', { ...rate(10), figure: `L lag, ${name}`, unit: 'ms', samples });
  }

  report.table();

  const lines = table.join('').split('\n');
  expect(lines.find((line) => line.includes('p99'))).toMatch(/ms of 167$/);
  expect(lines.find((line) => line.includes('p50'))).toMatch(/ms$/);
});

/** @param {number} value */
function rate(value) {
  return { figure: 'S1 inserts', load: 'S1', value, unit: 'rows/s', better: /** @type {const} */ ('higher') };
}
