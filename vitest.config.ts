import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: vitest takes its configuration from the default export only.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{src,test,scripts,bench}/**/*.test.ts'],
          exclude: ['test/{lab,engines}/**'],
          // Pure functions and temporary directories: nothing to isolate, and files load ten times as fast.
          isolate: false,
          pool: 'forks',
          // The slow ones wait for programs that they start.
          maxWorkers: '100%',
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'labs',
          include: ['test/{lab,engines}/**/*.test.ts'],
          // Real cgroups and real load: two labs at once would disturb each other's figures.
          fileParallelism: false,
          pool: 'forks',
          // Machines are shared: what a neighbour disturbed may run once more. A lab that does not hold fails twice.
          retry: 1,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
