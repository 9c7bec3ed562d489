/** Growing seed sets within one campaign. */
import { describe, expect, it } from 'vitest';
import { sampleNestedSeeds } from '../../../packages/lab/quality/nested-seeds.ts';
import { createRng } from '../../../src/lib/rng.ts';
import type { Trial } from '../../../src/training/choices/trial.ts';

/** Members: seeds 0..9 and users 10..29; others: 30..99. */
const TRIAL: Trial = {
  id: 'c',
  features: { topic: 'a' },
  group: 'small',
  seeds: Int32Array.from({ length: 10 }, (_, i) => i),
  evaluation: {
    users: Int32Array.from({ length: 90 }, (_, i) => i + 10),
    labels: Uint8Array.from({ length: 90 }, (_, i) => (i < 20 ? 1 : 0)),
  },
};
const sample = (counts: readonly number[], key = 'key', trial = TRIAL) =>
  sampleNestedSeeds(trial, counts, createRng(key));

describe('drawNestedSeeds', () => {
  it('samples at most half of the members; larger sets contain the smaller ones', () => {
    const sampled = sample([2, 5, 15, 16]);
    expect(sampled.map(({ seeds }) => seeds.length)).toEqual([2, 5, 15]);
    const [two, five, fifteen] = sampled.map(({ seeds }) => [...seeds]);
    expect(fifteen).toEqual(expect.arrayContaining(five!));
    expect(five).toEqual(expect.arrayContaining(two!));
    expect(Math.max(...fifteen!)).toBeLessThan(30);
    expect(fifteen).toEqual([...new Set(fifteen)].sort((a, b) => a - b));
  });

  it('ranks the same rows with every set: the eval rows of all users outside the largest', () => {
    const sampled = sample([2, 15]);
    const largest = new Set(sampled[1]!.seeds);
    const expected = [...TRIAL.evaluation.users].filter((user) => !largest.has(user));
    for (const { evaluation } of sampled) {
      expect([...evaluation.users]).toEqual(expected);
      expect([...evaluation.labels]).toEqual(expected.map((user) => (user < 30 ? 1 : 0)));
    }
  });

  it('keeps the rest of the trial, and samples with the given generator', () => {
    const [one] = sample([5]);
    expect(one).toMatchObject({ id: 'c', features: { topic: 'a' }, group: 'small' });
    expect(sample([5])).toEqual([one]);
    expect(sample([5], 'another')[0]!.seeds).not.toEqual(one!.seeds);
  });

  it('is empty if there are too few members', () => {
    expect(sample([16])).toEqual([]);
  });

  it('is empty if no member would be left to find', () => {
    const trial = { ...TRIAL, evaluation: { users: Int32Array.of(10, 40), labels: Uint8Array.of(1, 0) } };
    const sampled = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => sample([5], key, trial));
    expect(sampled.some((one) => one.length === 0)).toBe(true);
    for (const one of sampled.flat()) expect(one.evaluation.labels).toContain(1);
  });
});
