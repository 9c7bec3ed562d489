/** Metrics: AUC with ties, and the top cut by score and user number. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { measureRanking } from '../../src/training/evaluation/metrics.ts';

const users = Int32Array.of(10, 11, 12, 13);

describe('measureRanking', () => {
  it('counts pairs in the right order', () => {
    // Members score 4 and 2, others 3 and 1: of 4 pairs 3 are in order.
    const { auc } = measureRanking(users, Float64Array.of(4, 3, 2, 1), Uint8Array.of(1, 0, 1, 0));
    expect(auc).toBe(0.75);
  });

  it('counts a tied pair half', () => {
    expect(measureRanking(users, Float64Array.of(1, 1, 1, 1), Uint8Array.of(1, 0, 1, 0)).auc).toBe(0.5);
    expect(measureRanking(users, Float64Array.of(2, 2, 1, 3), Uint8Array.of(1, 0, 0, 0)).auc).toBe((0.5 + 1) / 3);
  });

  it('agrees with counting all pairs', () => {
    const row = fc.record({ score: fc.integer({ min: -3, max: 3 }), label: fc.constantFrom(0, 1) });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 40 }), (rows) => {
        const members = rows.filter(({ label }) => label === 1);
        const others = rows.filter(({ label }) => label === 0);
        fc.pre(members.length > 0 && others.length > 0);
        let wins = 0;
        for (const a of members) for (const b of others) wins += a.score > b.score ? 1 : a.score === b.score ? 0.5 : 0;
        const measured = measureRanking(
          Int32Array.from(rows.keys()),
          Float64Array.from(rows, ({ score }) => score),
          Uint8Array.from(rows, ({ label }) => label),
        );
        expect(measured.auc).toBeCloseTo(wins / (members.length * others.length), 12);
      }),
    );
  });

  it('takes max(1, ceil(share x rows)) of the top and gives precision, recall and lift', () => {
    const scores = Float32Array.from({ length: 30 }, (_, i) => -i);
    const labels = Uint8Array.from({ length: 30 }, (_, i) => (i === 1 || i > 26 ? 1 : 0));
    const { top } = measureRanking(Int32Array.from(scores.keys()), scores, labels, [0.01, 0.05, 1]);
    expect(top[0]).toEqual({ share: 0.01, count: 1, hits: 0, precision: 0, recall: 0, lift: 0 });
    expect(top[1]).toEqual({ share: 0.05, count: 2, hits: 1, precision: 0.5, recall: 0.25, lift: 3.75 });
    expect(top[2]).toEqual({ share: 1, count: 30, hits: 4, precision: 4 / 30, recall: 1, lift: 1 });
  });

  it('cuts ties by user number, whatever the order of the rows', () => {
    const labels = Uint8Array.of(0, 0, 1, 0);
    const [first] = measureRanking(Int32Array.of(9, 8, 1, 7), Float64Array.of(5, 5, 5, 5), labels, [0.25]).top;
    const [last] = measureRanking(Int32Array.of(1, 2, 3, 4), Float64Array.of(5, 5, 5, 5), labels, [0.25]).top;
    expect([first?.hits, last?.hits]).toEqual([1, 0]);
  });

  it('refuses a score that is not a number, naming the user number', () => {
    const scores = Float64Array.of(1, Number.NaN, 0, 0);
    expect(() => measureRanking(users, scores, Uint8Array.of(1, 0, 0, 0))).toThrow(/user number 11 is not a number/);
  });

  it('refuses labels of one kind', () => {
    expect(() => measureRanking(users, new Float64Array(4), new Uint8Array(4))).toThrow(/0 members of 4 rows/);
    expect(() => measureRanking(users, new Float64Array(4), Uint8Array.of(1, 1, 1, 1))).toThrow(/4 members of 4 rows/);
  });
});
