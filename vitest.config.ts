import { defineConfig } from 'vitest/config';

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
        // Real nodes of several processes each, from dist/: three files at a time, after everything else. They mostly wait.
        test: {
          name: 'cluster',
          include: ['test/cluster/**/*.test.ts'],
          maxWorkers: 3,
          // Of the tests that say `concurrent`, because they wait for a link, a retry or a start most of the time.
          maxConcurrency: 2,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
