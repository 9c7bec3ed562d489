/** Changes to the default over data sets: where they help and where they harm. */
import { describe, expect, it } from 'vitest';
import { alternativesTable } from '../../../packages/lab/quality/alternatives-table.ts';
import type { Alternatives } from '../../../packages/lab/quality/leave-one-out.ts';

const campaigns = Array.from({ length: 12 }, (_, i) => 0.7 + i / 100);
const set = (dataset: string, gain: number): Alternatives[number] => ({
  dataset,
  alternatives: [
    { name: 'default', auc: campaigns, precision: campaigns },
    {
      name: 'bold',
      auc: campaigns.map((x, i) => x + gain * (0.9 + (i % 3) / 10)),
      precision: campaigns.map((x, i) => x + (i % 2 ? 0.1 : -0.1)),
    },
  ],
});

describe('alternativesTable', () => {
  it('names the data sets on which an alternative is clearly better or worse, and no others', () => {
    const text = alternativesTable([set('a', 0.02), set('b', -0.01), set('c', 0.02)]);
    const row = text.split('\n').find((line) => line.startsWith('| bold'))!;
    expect(row.split('|').map((cell) => cell.trim())).toEqual(['', 'bold', '+.0100', 'a, c', 'b', '+.000', '', '', '']);
  });

  it('counts them if there are many', () => {
    const text = alternativesTable(['a', 'b', 'c', 'd'].map((name) => set(name, 0.02)));
    expect(text).toContain('| 4 of 4 ');
  });
});
