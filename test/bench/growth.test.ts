import { describe, expect, it } from 'vitest';
import { growthTable } from './growth.bench.ts';

describe('the table of growth', () => {
  it('has a row for each scenario, in columns of equal width', () => {
    const table = growthTable([
      { users: 1000, seeds: 50, campaigns: 1, ready: 0.275, stages: [0, 0.12, 0.135, 0.003], bytes: 700 * 2 ** 20 },
      { users: 1e7, seeds: 200, campaigns: 20, ready: 125, stages: [0.4, 1.5, 24, 0.5], bytes: 3000 * 2 ** 20 },
    ]);
    expect(table).toEqual([
      '| users      | seeds | campaigns | ready    | finding | adapting | scoring | ranking | memory of all processes |',
      '| ---------- | ----- | --------- | -------- | ------- | -------- | ------- | ------- | ----------------------- |',
      '| 1,000      | 50    | 1         | .28 s    | .00 s   | .12 s    | .14 s   | .00 s   | 700 MiB                 |',
      '| 10,000,000 | 200   | 20        | 125.00 s | .40 s   | 1.50 s   | 24.00 s | .50 s   | 3,000 MiB               |',
    ]);
  });
});
