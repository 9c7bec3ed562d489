/** The tables of the choice of a blend. */
import { describe, expect, it } from 'vitest';
import type { BlendResult } from '../../../packages/lab/quality/blend-run.ts';
import { blendBySetTable, blendTable } from '../../../packages/lab/quality/blend-table.ts';
import { VARIANTS } from '../../../packages/lab/quality/blend-variants.ts';

/** Ten campaigns, with the difference in quality between a variant and the current choice. */
function resultOf(gains: Readonly<Record<string, number>>, recurs = true): BlendResult {
  const groups = Array.from({ length: 10 }, (_, i) => (i < 5 ? 'small' : 'large') as 'small' | 'large');
  return {
    repeats: 3,
    recurs,
    groups,
    variants: VARIANTS.map(({ name }) => ({
      name,
      auc: groups.map((group, i) => (group === 'small' ? 0.8 : 0.9) + (gains[name] ?? 0) * (1 + i / 10)),
      precision: groups.map((_, i) => 0.3 + 10 * (gains[name] ?? 0) * (1 + i / 10)),
    })),
  };
}

const SETS = [
  {
    name: 'orders',
    blend: resultOf({ 'no protocol': -0.01, none: -0.02 }),
    cutLists: resultOf({ full: -0.004, none: -0.03 }),
  },
  { name: 'films', blend: resultOf({ 'no protocol': 0.001, none: -0.01 }, false), cutLists: null },
];

describe('blendTable', () => {
  it('has the mean over data sets of each row minus the current choice', () => {
    const lines = blendTable(SETS).split('\n');
    const cellsOf = (title: string) =>
      lines
        .find((line) => line.startsWith(`| ${title} `))!
        .split('|')
        .slice(2, -1)
        .map((cell) => cell.trim());
    // (-.01 + .001) x 1.45 / 2
    expect(cellsOf('share of known candidates per fold (equal shares instead)')).toEqual([
      '2',
      expect.stringMatching(/^\*\*-\.0065 /),
      ...['orders', 'films'],
      expect.stringMatching(/^\*\*-\.065 /),
      ...['orders', 'films'],
    ]);
    // only where lists can be cut
    expect(cellsOf('whole lists of past campaigns (cut for 95 %)').slice(0, 3)).toEqual([
      '1',
      expect.stringMatching(/^\*\*-\.0058 /),
      'orders',
    ]);
    // with cut lists if there are any
    expect(cellsOf('all of these').slice(0, 2)).toEqual(['2', expect.stringMatching(/^\*\*-\.0290 /)]);
  });

  it('is empty without results', () => {
    expect(blendTable([{ name: 'films', blend: null, cutLists: null }])).toBe('');
    expect(blendBySetTable([{ name: 'films', blend: null, cutLists: null }])).toBe('');
  });
});

describe('blendBySetTable', () => {
  it('has the current choice first, keeps groups apart, and says if members do not recur', () => {
    const text = blendBySetTable(SETS);
    expect(text).toContain('**orders**, mean of 3 repeats\n');
    expect(text).toContain('**films**, mean of 3 repeats; members do not recur');
    const [orders, films] = text.split('**films**');
    expect(orders).toMatch(/^\| \(nothing: the choice as it is\) +\| \.8000 +\| \.9000 +\| \.8500 +\| \.300 /m);
    expect(orders).toMatch(/^\| all but whole lists +\| \*\*-\.0240 /m);
    expect(films).not.toContain('whole lists');
  });
});
