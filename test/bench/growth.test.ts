import { describe, expect, it } from 'vitest';
import { growthTable } from './growth.bench.ts';

describe('the table of growth', () => {
  it('has a row for each scenario, in columns of equal width', () => {
    const growth = (ready: number, stages: number[], mib: number) => ({ ready, stages, bytes: mib * 2 ** 20 });
    const table = growthTable([
      {
        ...{ users: 1000, seeds: 50, campaigns: 1, isCold: false },
        stored: growth(0.275, [0, 0.12, 0.135, 0.003], 700),
        graph: growth(1.5, [0, 0.2, 1.25, 0.003], 690),
      },
      {
        ...{ users: 1e7, seeds: 200, campaigns: 20, isCold: true },
        stored: growth(125, [0.4, 1.5, 24, 0.5], 3000),
        graph: growth(250, [0.4, 1.6, 48, 0.5], 2900),
      },
    ]);
    expect(new Set(table.map((line) => line.length)).size).toBe(1);
    const cells = table.map((line) => line.split('|').map((cell) => cell.trim()));
    expect([cells[2]!.slice(1, 5), cells[3]!.slice(1, 5)]).toEqual([
      ['1,000', '50', '1', '.28 s (1.50 s)'],
      ['10,000,000, cold', '200', '20', '125.00 s (250.00 s)'],
    ]);
    expect(cells[3]!.slice(5, 9)).toEqual(['.40 s', '1.50 s (1.60 s)', '24.00 s (48.00 s)', '3,000 MiB (2,900 MiB)']);
  });
});
