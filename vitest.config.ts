import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { defineConfig, type Plugin } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { filesOfProjects, isSlow, ROOT } from './test/fixture/projects.ts';

const shared = {
  pool: 'forks',
  // nothing is module state (CONTRIBUTING.md), so files may share a process and what it has loaded
  isolate: false,
  setupFiles: 'test/fixture/each-file.ts',
  // processes that tests start from the sources: their types are erased once, as `npm run` does
  env: {
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/compiled'),
    // glibc gives freed buffers back, which the arenas of many short threads would keep: 150 MB less
    MALLOC_ARENA_MAX: '2',
    MALLOC_TRIM_THRESHOLD_: '131072',
    MALLOC_MMAP_THRESHOLD_: '131072',
  },
  testTimeout: 180_000,
  hookTimeout: 180_000,
} as const;

/** As in `.ci/run`: without a project, all of them run. */
const isWhole = !process.argv.some((argument) => argument.startsWith('--project'));

/** One more than there are cores: a fifth of the time, a test waits for another process, a lease or a disk. */
const WORKERS = availableParallelism() + 1;
/** Slow tests also wait for time limits, and for each other's engines, whose priority is low. */
const WORKERS_OF_SLOW = availableParallelism() + 2;

/** Slow files first, so that the run does not end with one of them alone. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { slow = [], usual = [] } = Object.groupBy(await super.sort(files), ({ moduleId }) =>
      isSlow(relative(ROOT, moduleId).replaceAll('\\', '/')) ? 'slow' : 'usual',
    );
    return [...slow, ...usual];
  }
}

/** Engines and threads that the sources start are the bundle's. */
const bundledEntries: Plugin = {
  name: 'bundled-entries',
  resolveId(id, importer = '') {
    const isOfSources = importer.startsWith(join(ROOT, 'src/'));
    const isEntry = isOfSources && join(dirname(importer), id) === join(ROOT, 'src/lib/entry.ts');
    return isEntry ? join(ROOT, 'test/fixture/bundled-entry.ts') : null;
  },
};

export default defineConfig({
  test: {
    ...shared,
    globalSetup: ['test/fixture/global-setup.ts'],
    reporters: ['default', './test/plain-line-reporter.ts'],
    coverage: {
      reporter: 'text-summary',
      include: ['src/**/*.ts', 'packages/*/{index.ts,src/**/*.ts}'],
      reportsDirectory: 'node_modules/.cache/coverage',
    },
    sequence: { sequencer: SlowFirst },
    projects: Object.entries(filesOfProjects({ isOnce: isWhole })).map(([name, include]) => ({
      plugins: [bundledEntries],
      test: {
        ...shared,
        name,
        include,
        provide: { isLong: isWhole || name === 'slow', isUsual: name !== 'slow' },
        maxWorkers: isWhole || name === 'slow' ? WORKERS_OF_SLOW : WORKERS,
        // projects with other numbers of workers run one after the other
        sequence: { groupOrder: isWhole || name === 'slow' ? 0 : 1 },
      },
    })),
  },
});
