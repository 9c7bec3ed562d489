import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/fixture/longest-first.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // nothing is module state (CONTRIBUTING.md), so files may share a process and what it has loaded
    isolate: false,
    // vitest leaves one core free by default: half of a machine of two. One more than cores gains nothing.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/fixture/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/plain-line-reporter.ts'],
  },
});
