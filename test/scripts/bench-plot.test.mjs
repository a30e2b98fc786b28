import { expect, test } from 'vitest';
import { ratioPlot } from '../../scripts/benchmark/ratio-plot.mjs';

test('a bar says who is ahead, whether higher or lower values are better', () => {
  const faster = summary('S1 inserts', 'higher', 2);
  const slower = summary('S2 batches', 'higher', 0.5);
  const lessLag = summary('L lag', 'lower', 0.5);
  const moreLag = summary('L tail', 'lower', 4);
  const all = [faster, slower, lessLag, moreLag];

  const bars = [...ratioPlot('Ratios', all, all).matchAll(/<rect class="(\w+)"/g)].map(([, side]) => side);

  expect(bars).toEqual(['ahead', 'behind', 'ahead', 'behind']);
});

test('the scale holds every ratio with its spread, and is the same for plots of one report', () => {
  const wide = {
    ...summary('C catch-up', 'higher', 0.3),
    ratio: { median: 0.3, min: 0.04, max: 3, runs: 3 },
  };
  const narrow = summary('M memory', 'lower', 1.1);

  const [first, second] = [[wide], [narrow]].map((shown) =>
    [...ratioPlot('One', shown, [wide, narrow]).matchAll(/text-anchor="middle">([\d.]+)</g)].map(
      ([, tick]) => tick,
    ),
  );

  expect(first).toEqual(['0.02', '0.05', '0.1', '0.2', '0.5', '1', '2', '5']);
  expect(second).toEqual(first);
});

test('a figure that only one system has is left out', () => {
  const alone = { ...summary('S1 alone', 'higher', 1), ratio: undefined };

  expect(ratioPlot('Ratios', [alone, summary('S1 both', 'higher', 2)], [alone])).not.toContain('S1 alone');
});

/**
 * @param {string} figure
 * @param {'higher' | 'lower'} better
 * @param {number} ratio
 */
function summary(figure, better, ratio) {
  const spread = (/** @type {number} */ value) => ({ median: value, min: value, max: value, runs: 1 });
  return {
    figure,
    load: figure.slice(0, 2).trim(),
    unit: 'rows/s',
    better,
    systems: { ours: spread(100 * ratio), theirs: spread(100) },
    ratio: spread(ratio),
    of: 'ours/theirs',
  };
}
