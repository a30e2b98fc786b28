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

/** What looks at its whole process, changes it, or replaces what all of it uses. */
const ownProcess = [
  'test/budget/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/examples/**/*.test.mjs',
  'test/process/**/*.test.ts',
  'test/runtime/**/*.test.ts',
  'test/simulation/**/*.test.ts',
  'test/channel/agreement.test.ts',
  'test/http/changes/change-feed.test.ts',
  'test/http/fuzz/fuzz.test.ts',
  'test/http/large-body.test.ts',
  'test/http/send-answer.test.ts',
  'test/http/send-file.test.ts',
  'test/http/server.test.ts',
  'test/operation/job/csv-load.test.ts',
  'test/scripts/distribution-package.test.mjs',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    const first = longest.flatMap((path) => files.filter(({ moduleId }) => moduleId.endsWith(path)));
    const rest = others.filter((file) => !first.includes(file));
    // A process that may run several files ends when the next one is not for it.
    const isShared = ({ project }: TestSpecification): boolean => project.name === 'unit';
    return [...first, ...rest.filter((file) => !isShared(file)), ...rest.filter(isShared)];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    globalSetup: 'test/run-directory.ts',
    projects: [
      {
        // One process for many files: to load what a file tests takes longer than most files run.
        test: {
          name: 'unit',
          include: ['test/**/*.test.{ts,mjs}'],
          exclude: ['test/cluster/**', ...ownProcess],
          isolate: false,
          maxWorkers: 2,
          testTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'isolated',
          include: ownProcess,
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
