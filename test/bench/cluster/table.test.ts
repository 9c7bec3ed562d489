/** What the tables of the simulation say. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CostsFile, type Prices, readInput } from './costs.ts';
import { errorTable, predictRun, scaleTables } from './table.ts';
import { costs } from './zero-costs.ts';

const file = readInput<CostsFile>(join(import.meta.dirname, 'costs.json'));
const prices = readInput<Prices>(join(import.meta.dirname, 'prices.json'));

describe('scaleTables', () => {
  const small = { users: [1_000_000], hosts: [1, 4], campaigns: 3, seeds: 2 };

  it('has four cases for each size, and names what was not measured', () => {
    const notes: string[] = [];
    const lines = scaleTables(file, prices, (line) => notes.push(line), small);
    const rows = lines.filter((line) => line.startsWith('| 1,000,000 |'));
    expect(rows.map((row) => row.split(' | ').slice(1, 3))).toEqual(
      ['4', '16'].flatMap((cores) =>
        [
          'empty caches',
          'warm caches',
          'empty caches, a host dies half-way',
          '3 campaigns queued, hosts die once an hour',
        ].map((words) => [cores, words]),
      ),
    );
    expect(rows[2]).toMatch(/ \| 1 \| [\d.]+ \|$/);
    expect(notes.length).toBe(2);
    const assumed = [...Object.keys(file.costs.origin.assumed), ...Object.keys(file.elsewhere)];
    expect(lines.filter((line) => line.startsWith('- `')).length).toBe(assumed.length);
  });

  it('predicts that threads without cores of their own disturb each other', () => {
    const bound = costs({ score: { processorSecondsPerUser: 0.01 } });
    const run = { threads: 1, cores: 2, users: 4000, campaigns: 1, seconds: 0 };
    expect(predictRun(bound, { ...run, engines: 2 })).toBeCloseTo(20, 6);
    expect(predictRun(bound, { ...run, engines: 4 })).toBeCloseTo(20 * 1.08, 6);
  });

  it('compares its predictions with measured runs', () => {
    const run = { engines: 2, threads: 1, cores: 2, users: 2_000_000, campaigns: 2, seconds: 10 };
    const lines = errorTable({ ...file, runs: [run] });
    const seconds = predictRun(file.costs, run);
    const error = (((seconds - 10) / 10) * 100).toFixed(1);
    expect(lines[2]!.replace(/ +/g, ' ')).toBe(
      `| 2 | 1 | 2,000,000 | 2 | 10.0 s | ${seconds.toFixed(1)} s | ${error} % |`,
    );
  });
});
