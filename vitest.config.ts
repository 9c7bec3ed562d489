import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/fixture/longest-first.ts';
import { filesOfProjects, PROJECTS } from './test/fixture/projects.ts';

const shared = {
  pool: 'forks',
  // nothing is module state (CONTRIBUTING.md), so files may share a process and what it has loaded
  isolate: false,
  // vitest leaves one core free by default: half of a machine of two. One more than cores gains nothing.
  maxWorkers: availableParallelism(),
  testTimeout: 180_000,
  hookTimeout: 180_000,
} as const;

const files = filesOfProjects();

export default defineConfig({
  test: {
    ...shared,
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/fixture/global-setup.ts'],
    reporters: ['default', './test/plain-line-reporter.ts'],
    projects: PROJECTS.map((name) => ({
      test: { ...shared, name, include: files[name], provide: { isLong: name === 'slow' } },
    })),
  },
});
