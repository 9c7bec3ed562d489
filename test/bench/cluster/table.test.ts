/** The inputs of the tables, and what they say. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useFolders } from '../../fixture/folders.ts';
import { costsElsewhere, readCosts } from './costs.ts';
import { dollarsOf, readPrices, storagePerMonth } from './prices.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { errorTable, predictRun, scaleTables } from './table.ts';
import { costs } from './zero-costs.ts';

const newFolder = useFolders();
const file = readCosts(join(import.meta.dirname, 'costs.json'));
const prices = readPrices(join(import.meta.dirname, 'prices.json'));

describe('costs and prices', () => {
  it('are refused with the path of the fault', () => {
    const path = join(newFolder(), 'costs.json');
    expect(() => readCosts(path)).toThrow(`${path} cannot be read`);
    const { merge, ...others } = file.costs;
    writeFileSync(path, JSON.stringify({ ...file, costs: others }));
    expect(() => readCosts(path)).toThrow('costs.merge');
    const negative = { ...merge, processorSeconds: -1 };
    writeFileSync(path, JSON.stringify({ ...file, costs: { ...others, merge: negative } }));
    expect(() => readCosts(path)).toThrow('costs.merge.processorSeconds');
    writeFileSync(path, JSON.stringify({ ...prices, source: 'hearsay' }));
    expect(() => readPrices(path)).toThrow('source');
  });

  it('name only costs that there are as assumed', () => {
    for (const name of Object.keys(file.costs.origin.assumed)) {
      const [part, field] = name.split('.') as ['score', string];
      expect(file.costs[part], name).toHaveProperty(field);
    }
  });

  it('of a region replace those of the machine', () => {
    const reason = 'measured there';
    const there = costsElsewhere({ ...file, elsewhere: { 'storage.requestSeconds': { value: 9, reason } } });
    expect(there.storage).toEqual({ ...file.costs.storage, requestSeconds: 9 });
    expect({ ...there, storage: file.costs.storage }).toEqual(file.costs);
    const unknown = { ...file, elsewhere: { 'storage.speed': { value: 9, reason } } };
    expect(() => costsElsewhere(unknown)).toThrow('there is no cost storage.speed');
  });

  it('are multiplied: cores and database by the time, requests by the thousand', () => {
    const flat = {
      ...prices,
      ...{ coreHour: { dollars: 2, source: 's' }, databaseHour: { dollars: 3, source: 's' } },
      ...{ thousandReads: { dollars: 5, source: 's' }, thousandWrites: { dollars: 7, source: 's' } },
    };
    const scenario = { hosts: 10, coresPerHost: 4 } as Scenario;
    const outcome = { seconds: 1800, reads: 2000, writes: 3000 } as Outcome;
    expect(dollarsOf(flat, scenario, outcome)).toBeCloseTo(0.5 * (40 * 2 + 3) + 2 * 5 + 3 * 7, 9);
    expect(storagePerMonth({ ...flat, gigabyteMonth: { dollars: 0.02, source: 's' } }, 5e11)).toBeCloseTo(10, 9);
  });
});

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
