/**
 * Ends a run with its slowest files and tests, and one plain line, `N passed, N failed`, for readers that know no test
 * runner.
 */
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

const SLOWEST = 10;
/** Of a single file there is nothing to compare. */
const FEWEST_FILES = 2;

export default class PlainLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) count.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state !== 'pending') count[state] += 1;
      }
    }
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    const slowest = modules.length < FEWEST_FILES ? '' : `${slowestFiles(modules)}\n${slowestTests(modules)}\n`;
    process.on('exit', () =>
      process.stdout.write(`${slowest}${count.passed} passed, ${count.failed} failed${skipped}\n`),
    );
  }
}

/** The files that took longest: all of their time, imports and hooks too. */
function slowestFiles(modules: readonly TestModule[]): string {
  return listOf(
    'files',
    modules.map((module) => {
      const { environmentSetupDuration, prepareDuration, collectDuration, setupDuration, duration } =
        module.diagnostic();
      const ms = environmentSetupDuration + prepareDuration + collectDuration + setupDuration + duration;
      return [ms, nameOf(module)] as const;
    }),
  );
}

function slowestTests(modules: readonly TestModule[]): string {
  const tests: TestCase[] = modules.flatMap((module) => [...module.children.allTests()]);
  return listOf(
    'tests',
    tests.map((test) => [test.diagnostic()?.duration ?? 0, `${nameOf(test.module)} > ${test.fullName}`] as const),
  );
}

function listOf(what: string, timed: readonly (readonly [ms: number, name: string])[]): string {
  const lines = timed
    .toSorted(([a], [b]) => b - a)
    .slice(0, SLOWEST)
    .map(([ms, name]) => `${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`);
  return [`The slowest ${what}:`, ...lines].join('\n');
}

function nameOf(module: TestModule): string {
  return relative(process.cwd(), module.moduleId);
}
