import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const stopwatch = 'test/cluster/rolling-faults.test.ts';

/** They would run on alone after all others. */
const longest = [
  'test/simulation/simulation.test.ts',
  'test/cluster/initial-copy.test.ts',
  'test/cluster/transaction.test.ts',
  'test/cluster/bad-link.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const first = longest.flatMap((path) => files.filter(({ moduleId }) => moduleId.endsWith(path)));
    return [...first, ...others.filter((file) => !first.includes(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: ['test/cluster/**'],
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Real nodes of several processes each, from dist/: four files at a time, after everything else; six take as long on two cores.
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          exclude: [stopwatch],
          maxWorkers: 4,
          // Of the tests that say `concurrent`, because they wait for a link, a retry or a start most of the time.
          maxConcurrency: 2,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // A promise in seconds, which is none for a machine that runs other tests.
        test: { name: 'alone', include: [stopwatch], testTimeout: 180_000, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
