import { defineConfig } from 'vitest/config';

const stopwatch = 'test/cluster/rolling-faults.test.ts';

export default defineConfig({
  test: {
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
        // Real nodes of several processes each, from dist/: six files at a time, after everything else. They mostly wait.
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          exclude: [stopwatch],
          maxWorkers: 6,
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
