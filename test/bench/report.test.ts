import { describe, expect, it } from 'vitest';
import { figure, figures, interleave, ratio, ratios, renderReport } from './report.ts';

describe('figures and ratios', () => {
  it('have minimum, median and maximum of the repeats', () => {
    expect(figure([3, 1, 2], 's')).toEqual({ min: 1, median: 2, max: 3, unit: 's' });
    expect(figure([4, 1, 2, 3], 'ms')).toEqual({ min: 1, median: 2.5, max: 4, unit: 'ms' });
  });

  it('are compared pair by pair, so that a slow round is slow for both', () => {
    // medians of the values would give 30 / 20
    expect(ratio([10, 30, 100], [20, 15, 50])).toBe(2);
  });

  it('leave out a missing way', () => {
    expect(figures({ ours: [1], theirs: [] }, 's')).toEqual({ ours: figure([1], 's') });
    expect(ratios({ kept: [[6], [3]], ours: [[], [1]], theirs: [[1], []] })).toEqual({ kept: 2 });
  });
});

describe('interleaving', () => {
  it('measures the ways in turn, not counting the first round', async () => {
    const calls: string[] = [];
    const way = (name: string) => async () => calls.push(name);
    const times = await interleave(2, { a: way('a'), missing: null, b: way('b') });
    expect(calls).toEqual(['a', 'b', 'a', 'b', 'a', 'b']);
    expect(times).toEqual({ a: [3, 5], missing: [], b: [4, 6] });
  });

  it('ends with the error of a way', async () => {
    const failing = () => Promise.reject(new Error('out of memory'));
    await expect(interleave(1, { failing })).rejects.toThrow('out of memory');
  });
});

describe('a rendered report', () => {
  it('has its lines, a table of figures with their spread, and the ratios', () => {
    const rendered = renderReport('scoring', {
      results: { ours: figure([1000, 1234.4, 2000], 'users/s'), 'PyTorch, k = 64': figure([0.012_345], 's') },
      ratios: { vs_torch: 1.666 },
      lines: ['on a busy machine'],
    });
    expect(rendered).toEqual([
      'scoring: on a busy machine',
      'scoring: ours             1,234 users/s  1,000 .. 2,000',
      'scoring: PyTorch, k = 64       0.0123 s  0.0123 .. 0.0123',
      'scoring: vs_torch 1.67',
    ]);
  });
});
