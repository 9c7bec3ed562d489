import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/fixture/longest-first.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // nothing is module state (CONTRIBUTING.md), so files may share a process and what it has loaded
    isolate: false,
    // one more than cores: files that start services wait for them a good part of their time
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/fixture/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/plain-line-reporter.ts'],
  },
});
