/** Drift fitted to pairs: simulated campaigns with known drift, and how often intervals then hold. */
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import type { Drift } from '../../src/model/manifest.ts';
import { type Prediction, type PredictOptions, predict as predictFor } from '../../src/online/quality/prediction.ts';
import { hitsAt, rankSeeds, type SeedRanks, topCount, winsOf } from '../../src/online/quality/seed-ranks.ts';
import { type DriftPair, fitDrift } from '../../src/training/choices/drift.ts';
import { IS_LONG, IS_USUAL, itUsual } from '../fixture/size.ts';

/** The prediction for a campaign whose seeds all fit. */
const predict = (ranks: SeedRanks | null, seeds: number, options?: PredictOptions) =>
  predictFor(ranks, { all: seeds, fitting: seeds }, options);

const SHARES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5];
const ROWS = 1500;

interface World {
  /** The mean share of the seeds' distance from others that later members keep, and its deviation. */
  readonly kept: number;
  readonly spread: number;
}

/** Scores of a campaign: others are standard normal, seeds some way above them, later members a share of it. */
function campaignOf(rng: Rng, seeds: number, { kept, spread }: World) {
  const distance = 1 + 0.8 * rng.uniform();
  const later = distance * (kept + spread * rng.normal());
  const scores = (count: number, mean: number) => Float32Array.from({ length: count }, () => mean + rng.normal());
  const rows = scores(ROWS, 0);
  const others = seeds + rng.integer(2 * seeds);
  const ranks = rankSeeds(scores(seeds, distance), rows);
  const hidden = rankSeeds(scores(others, later), rows);
  const wins = winsOf(hidden);
  return {
    ranks,
    trueAt: (share: number) => hitsAt(hidden, topCount(ROWS, share)) / others,
    auc: wins.reduce((sum, win) => sum + win, 0) / others,
  };
}

function pairOf(rng: Rng, seeds: number, world: World): DriftPair {
  const { ranks, trueAt, auc } = campaignOf(rng, seeds, world);
  const said = predict(ranks, seeds);
  const recall = SHARES.map((share) => ({ chance: share, said: said.recall[String(share)]!, true: trueAt(share) }));
  return { seeds, recall, auc: { chance: 0.5, said: said.auc!, true: auc } };
}

function driftOf(key: string, campaigns: number, world: World): Drift {
  const rng = createRng(key);
  const bins = [10, 50, 200].map((seeds) => Array.from({ length: campaigns }, () => pairOf(rng, seeds, world)));
  return { data: 'made', campaigns, from: '', until: '', by_seeds: fitDrift(bins) };
}

/** How often the true values of new campaigns are in the interval, by kind of prediction. */
function coverageOf(key: string, seeds: number, world: World, drift?: Drift) {
  const rng = createRng(key);
  const count = 250;
  const held = { auc: 0, '0.02': 0, '0.05': 0, '0.2': 0, '0.5': 0 };
  let [said, truth] = [0, 0];
  for (let i = 0; i < count; i++) {
    const { ranks, trueAt, auc } = campaignOf(rng, seeds, world);
    const prediction: Prediction = predict(ranks, seeds, { drift });
    for (const what of Object.keys(held) as (keyof typeof held)[]) {
      const interval = what === 'auc' ? prediction.auc! : prediction.recall[what]!;
      const own = what === 'auc' ? auc : trueAt(Number(what));
      if (own >= interval.low - 1e-9 && own <= interval.high + 1e-9) held[what] += 1 / count;
    }
    said += prediction.recall['0.05']!.mean / count;
    truth += trueAt(0.05) / count;
  }
  return { held, said, truth };
}

const SEEDS = [...(IS_USUAL ? [10, 50] : []), ...(IS_LONG ? [30, 200] : [])];

describe('fitDrift', () => {
  const DRIFTING = { kept: 0.75, spread: 0.12 };
  const STEADY = { kept: 1, spread: 0 };
  const drifted = driftOf('past', 36, DRIFTING);
  const steady = driftOf('past', 36, STEADY);

  describe.each(SEEDS)('with %i seeds', (seeds) => {
    it('makes intervals hold that did not, if members drift', () => {
      const before = coverageOf(`new/${seeds}`, seeds, DRIFTING);
      const after = coverageOf(`new/${seeds}`, seeds, DRIFTING, drifted);
      if (seeds >= 50) expect(before.held['0.05']).toBeLessThan(0.75);
      for (const share of Object.values(after.held)) {
        expect(share).toBeGreaterThan(0.84);
        expect(share).toBeLessThan(0.985);
      }
      expect(before.said - before.truth).toBeGreaterThan(0.08);
      expect(Math.abs(after.said - after.truth)).toBeLessThan(0.025);
    });

    it('changes little if they do not', () => {
      const before = coverageOf(`new/${seeds}`, seeds, STEADY);
      const after = coverageOf(`new/${seeds}`, seeds, STEADY, steady);
      expect(Math.abs(after.said - before.said)).toBeLessThan(0.025);
      for (const share of Object.values(after.held)) {
        expect(share).toBeGreaterThan(0.84);
        expect(share).toBeLessThan(0.995);
      }
    });
  });

  itUsual('finds the share kept, and how much campaigns differ', () => {
    const [, at50, at200] = driftOf('many', 60, DRIFTING).by_seeds;
    for (const { auc, recall } of [at50!, at200!]) {
      // a distance between standard normal scores is nearly proportional to one between logits
      expect(auc.kept).toBeGreaterThan(0.68);
      expect(auc.kept).toBeLessThan(0.8);
      expect(recall.kept).toBeGreaterThan(0.68);
      expect(recall.kept).toBeLessThan(0.82);
    }
    const spreads = [0, 0.15, 0.3].map((spread) => driftOf('many', 60, { kept: 0.75, spread }).by_seeds[2]!.auc.spread);
    expect(spreads[1]).toBeGreaterThan(spreads[0]!);
    expect(spreads[2]).toBeGreaterThan(spreads[1]!);
  });

  itUsual('trusts few campaigns less, and intervals still hold', () => {
    const said = { mean: 0.4, low: 0.3, high: 0.5 };
    const recall = [{ chance: 0.05, said, true: 0.19 }];
    const pair: DriftPair = { seeds: 50, recall, auc: { chance: 0.5, said: { ...said, mean: 0.85 }, true: 0.7 } };
    const [three, ten, many] = [3, 10, 60].map((count) => fitDrift([Array<DriftPair>(count).fill(pair)])[0]!);
    for (const measure of ['recall', 'auc'] as const) {
      expect(many![measure].kept).toBeCloseTo(measure === 'auc' ? 0.488 : 0.589, 1);
      expect(ten![measure].kept).toBeGreaterThan(many![measure].kept + 0.01);
      expect(three![measure].kept).toBeGreaterThan(ten![measure].kept + 0.04);
      expect(three![measure].kept).toBeLessThan(0.85);
    }
    const held = [0, 1, 2, 3, 4, 5].map(
      (key) => coverageOf('new', 50, DRIFTING, driftOf(`few ${key}`, 4, DRIFTING)).held['0.05'],
    );
    expect(held.reduce((sum, share) => sum + share, 0) / held.length).toBeGreaterThan(0.84);
  });

  itUsual('reports no drift if there is no separation to measure it by', () => {
    const rng = createRng('random');
    const pair = (): DriftPair => {
      const said = { mean: 0.05, low: 0, high: 0.12 };
      const auc = { mean: 0.5, low: 0.4, high: 0.6 };
      return {
        seeds: 50,
        recall: SHARES.map((share) => ({ chance: share, said: { ...said, mean: share }, true: share })),
        auc: { chance: 0.5, said: auc, true: 0.45 + 0.1 * rng.uniform() },
      };
    };
    const [measured] = fitDrift([Array.from({ length: 20 }, pair)]);
    expect([measured!.recall.kept, measured!.auc.kept]).toEqual([1, 1]);
  });

  itUsual('leaves out numbers of seeds that no campaign has', () => {
    const rng = createRng('one');
    const bin = Array.from({ length: 5 }, () => pairOf(rng, 20, STEADY));
    expect(fitDrift([bin, []]).map(({ seeds, campaigns }) => [seeds, campaigns])).toEqual([[20, 5]]);
    expect(fitDrift([[], []])).toEqual([]);
  });
});
