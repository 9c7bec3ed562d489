/** What `metaheac demo` prints. */
import { expect } from 'vitest';

/** ASCII, in lines of 120 columns at most; commands to copy are on one line. */
export function expectTidy(stdout: string): void {
  expect(stdout).toMatch(/^[\x20-\x7e\n]+$/);
  const lines = stdout.split('\n').filter((line) => !line.startsWith('curl '));
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(120);
}

/** The main job, on the synthetic people that the demo makes by default. */
export function expectMainJob(stdout: string): void {
  expectTidy(stdout);
  expect(stdout).toMatch(/making 50,000 people/);
  expect(stdout).toMatch(
    /queued [\d.]+ s, finding [\d.]+ s, adapting [\d.]+ s, scoring [\d.]+ s, ranking [\d.]+ s; 5,000 users/,
  );
  expect(stdout).toMatch(/The top of the audience/);
  expect(stdout.match(/^ +\d+ {2}person-\d{6} {2}[01]\.\d{4} {2}(yes|no) /gm)).toHaveLength(10);
  // ten times better than random would be a recall of 10 % at 1 %: far from it, and still far from random
  const recallAtOnePercent = (method: string) => Number(new RegExp(`^ +${method} +([\\d.]+) %`, 'm').exec(stdout)![1]);
  expect(recallAtOnePercent('MetaHeac')).toBeGreaterThan(4);
  expect(recallAtOnePercent('logistic regression')).toBeGreaterThan(4);
  expect(recallAtOnePercent('random')).toBeLessThan(2.5);
  expect(stdout).toMatch(/Among the best 2,500, /);
  expect(stdout).toMatch(/Done in [\d.]+ s\./);
}
