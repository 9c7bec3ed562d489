import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { TrialLogits } from '../../src/training/choices/head-trials.ts';
import { fitStack } from '../../src/training/choices/stack.ts';

const ROWS = 2000;
const NOTHING = { few: 0, many: 0 };

/** Rows of three standard normal columns; who is a member is drawn by their sum with these weights. */
function trialOf(seeds: number, weights: readonly number[], key: string): TrialLogits {
  const rng = createRng(key);
  const columns = [0, 1, 2].map(() => Float32Array.from({ length: ROWS }, () => rng.normal()));
  const labels = Uint8Array.from({ length: ROWS }, (_, row) => {
    const z = weights.reduce((sum, w, k) => sum + w * columns[k]![row]!, -2);
    return rng.uniform() < 1 / (1 + Math.exp(-z)) ? 1 : 0;
  });
  return { seeds, labels, columns };
}

const campaignsOf = (few: readonly number[], many: readonly number[], count = 20) =>
  Array.from({ length: count }, (_, c) => [trialOf(10, few, `${c}/few`), trialOf(250, many, `${c}/many`)]);
const weak = { towards: [NOTHING, NOTHING, NOTHING], strength: 1e-3 };

describe('fitStack', () => {
  it('finds the weights that members were drawn with, for few seeds and for many', () => {
    const shares = fitStack(campaignsOf([1, 0.5, 0], [0.2, 0.5, 0.8]), weak);
    for (const [k, few] of [1, 0.5, 0].entries()) expect(shares[k]!.few).toBeCloseTo(few, 1);
    for (const [k, many] of [0.2, 0.5, 0.8].entries()) expect(shares[k]!.many).toBeCloseTo(many, 1);
  });

  it('is linear in the logarithm of the seeds between them', () => {
    const between = Array.from({ length: 20 }, (_, c) => [
      trialOf(10, [1, 0, 0.4], `${c}/10`),
      trialOf(50, [0.5, 0.5, 0.4], `${c}/50`),
      trialOf(250, [0, 1, 0.4], `${c}/250`),
    ]);
    const [first, second, third] = fitStack(between, weak);
    expect([first!.few, first!.many, second!.few, second!.many].map((x) => Math.round(10 * x))).toEqual([10, 0, 0, 10]);
    expect(third!.few).toBeCloseTo(0.4, 1);
    expect(third!.many).toBeCloseTo(0.4, 1);
  });

  it('gives no part a negative weight: one that misleads gets exactly 0', () => {
    const [, second] = fitStack(campaignsOf([1, -0.5, 0.2], [1, -0.5, 0.2]), weak);
    expect(second).toEqual(NOTHING);
  });

  it('equals what it is shrunk towards without campaigns, and if that is strong', () => {
    const towards = [0.3, 0.6, 0.9].map((x) => ({ few: x, many: x / 2 }));
    expect(fitStack([], { towards, strength: 1 })).toEqual(towards);
    const near = fitStack(campaignsOf([1, 1, 1], [1, 1, 1], 4), { towards, strength: 1e6 });
    for (const [k, { few, many }] of near.entries()) {
      expect(few).toBeCloseTo(towards[k]!.few, 4);
      expect(many).toBeCloseTo(towards[k]!.many, 4);
    }
  });

  it('counts a campaign once, however many trials it has', () => {
    const own = campaignsOf([1, 0.5, 0], [1, 0.5, 0], 2);
    const twice = own.map((trials) => [...trials, ...trials]);
    const options = { ...weak, strength: 1 };
    const [once, again] = [fitStack(own, options), fitStack(twice, options)];
    for (const [k, { few, many }] of once.entries()) {
      expect(again[k]!.few).toBeCloseTo(few, 6);
      expect(again[k]!.many).toBeCloseTo(many, 6);
    }
  });

  it('minimises its loss: moving any weight raises it', () => {
    const campaigns = campaignsOf([0.8, 0.4, 0], [0.1, 0.4, 1], 3);
    const towards = [NOTHING, { few: 0.5, many: 0.5 }, NOTHING];
    const shares = fitStack(campaigns, { towards, strength: 0.5 });
    const lossOf = (of: typeof shares) => {
      let loss = of.reduce(
        (sum, { few, many }, k) => sum + 0.25 * ((few - towards[k]!.few) ** 2 + (many - towards[k]!.many) ** 2),
        0,
      );
      for (const trials of campaigns)
        for (const { seeds, labels, columns } of trials) {
          const z = labels.reduce<number[]>((out, _, row) => {
            out.push(
              of.reduce((sum, share, k) => sum + (seeds === 10 ? share.few : share.many) * columns[k]![row]!, 0),
            );
            return out;
          }, []);
          const members = labels.reduce((sum, label) => sum + label, 0);
          const lossAt = (b: number) =>
            z.reduce((sum, x, row) => sum + Math.log1p(Math.exp(labels[row] === 1 ? -x - b : x + b)), 0) / members / 2;
          // the intercept is free: a search along it
          let [low, high] = [-6, 2];
          for (let i = 0; i < 60; i++) {
            const [a, b] = [low + (high - low) / 3, high - (high - low) / 3];
            if (lossAt(a) < lossAt(b)) high = b;
            else low = a;
          }
          loss += lossAt((low + high) / 2);
        }
      return loss;
    };
    const least = lossOf(shares);
    for (const k of shares.keys())
      for (const side of ['few', 'many'] as const)
        for (const change of [-0.02, 0.02]) {
          const moved = shares.map((share, i) => (i === k ? { ...share, [side]: share[side] + change } : share));
          if (moved[k]![side] >= 0) expect(lossOf(moved)).toBeGreaterThan(least);
        }
  });
});
