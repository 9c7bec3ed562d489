/**
 * Ends a run with its slowest files and tests, a line for each test that failed, and one plain line,
 * `N passed, N failed`, for readers that know no test runner.
 */
import { relative } from 'node:path';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

const SLOWEST = 10;
/** Of a single file there is nothing to compare. */
const FEWEST_FILES = 2;
const MESSAGE_CHARS = 4_000;

export default class PlainLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
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
    const ofNoTest = unhandled.map(({ message }) => lineOf('outside of tests', message));
    const failed = [...modules.flatMap(failuresOf), ...ofNoTest].join('');
    process.on('exit', () =>
      process.stdout.write(`${slowest}${failed}${count.passed} passed, ${count.failed} failed${skipped}\n`),
    );
  }
}

/** One line for each failure, so that a log of which only the end is kept still names them (.ci/run). */
function failuresOf(module: TestModule): readonly string[] {
  const ofFile = module.errors().map((error) => lineOf(nameOf(module), error.message));
  const ofTests = [...module.children.allTests('failed')].map((test) =>
    lineOf(`${nameOf(test.module)} > ${test.fullName}`, ...(test.result().errors ?? []).map(({ message }) => message)),
  );
  return [...ofFile, ...ofTests];
}

function lineOf(name: string, ...messages: readonly string[]): string {
  const said = messages.map((message) => message.replaceAll(/\s+/g, ' ').slice(0, MESSAGE_CHARS)).join(' | ');
  return `FAILED ${name}: ${said}\n`;
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
