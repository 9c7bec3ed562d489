/** Choosing how heads are adapted: only clear gains in one of the measures overrule the defaults. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { chooseAdaptation, STAGES, STAGES_AT_START } from '../../src/training/choices/choose-adaptation.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import type { Outcome } from '../../src/training/choices/evidence.ts';

const same = { mean: expect.closeTo(0, 12), error: expect.closeTo(0, 12) };

/**
 * Simulates `count` campaigns whose measures are functions of the settings, plus noise that differs by setting.
 */
const choose = (
  count: number,
  noise: number,
  measure: (settings: DescentSettings) => Partial<Outcome>,
  options: Partial<Parameters<typeof chooseAdaptation>[3]> = {},
) =>
  chooseAdaptation(
    DEFAULT_DESCENT,
    count,
    async (all) =>
      all.map((settings) => {
        const { auc = 0, precision = 0 } = measure(settings);
        return Array.from({ length: count }, (_, i) => {
          const rng = createRng(`${i}/${JSON.stringify(settings)}`);
          return { auc: 0.8 + 0.01 * i + auc + noise * rng.normal(), precision: 0.3 + 0.02 * i + precision };
        });
      }),
    { stages: STAGES, ...options },
  );

/** The larger the wide rate, the better, up to twice the default. */
const likesFast = ({ rates }: DescentSettings) => Math.min(rates[HEADS.wide]!, 2) * 0.01;
/** Likes short descents and no cut. */
const likesLittle = ({ steps, first_pass }: DescentSettings) =>
  (steps.at_50_seeds === 10 ? 0.02 : 0) - (first_pass ? 0.01 : 0);
const doubled = {
  ...DEFAULT_DESCENT,
  rates: Object.fromEntries(Object.entries(DEFAULT_DESCENT.rates).map(([name, rate]) => [name, 2 * rate])),
};
const takenOf = ({ tried }: { tried: readonly { change: string; taken: boolean }[] }) =>
  tried.filter(({ taken }) => taken).map(({ change }) => change);

describe('chooseAdaptation', () => {
  it('takes clear gains, and reports what it tried', async () => {
    // anything simpler loses a little, so that it is not level
    const likes = (own: DescentSettings) => ({
      auc: likesFast(own) - (own.first_pass ? 0 : 0.01),
    });
    const { settings, tried, campaigns } = await choose(8, 0, likes);
    expect(settings).toEqual(doubled);
    expect(campaigns).toBe(8);
    const gain = { mean: expect.closeTo(0.01, 12), error: expect.closeTo(0, 12) };
    expect(tried.filter(({ taken }) => taken)).toEqual([
      { change: 'rates x 2', gain: { auc: gain, precision: same, utility: gain }, taken: true },
    ]);
    expect(tried.find(({ change }) => change === 'rates x 0.5')!.gain.auc.mean).toBeCloseTo(-0.005, 12);
  });

  it('continues from the settings that it took', async () => {
    const { settings, ...choice } = await choose(8, 0, (own) => ({ auc: likesLittle(own) }));
    expect(settings).toEqual({
      ...DEFAULT_DESCENT,
      steps: { ...DEFAULT_DESCENT.steps, at_50_seeds: 10 },
      first_pass: null,
    });
    expect(takenOf(choice)).toEqual(['10 steps at 50 seeds', 'no cut']);
  });

  it('removes the cut if it gains nothing, and leaves the parts of the blend alone', async () => {
    const { settings, ...choice } = await choose(8, 0, () => ({}));
    expect(settings).toEqual({ ...DEFAULT_DESCENT, first_pass: null });
    expect(takenOf(choice)).toEqual(['no cut']);
  });

  it('tries only larger rates before training', async () => {
    const { settings, tried } = await choose(8, 0, ({ rates }) => ({ auc: rates[HEADS.wide] === 4 ? 0.01 : 0 }), {
      stages: STAGES_AT_START,
    });
    expect(settings.rates[HEADS.wide]).toBe(4);
    expect(tried.map(({ change }) => change)).toEqual(['rates x 2', 'rates x 4', 'rates x 8']);
  });

  it('goes beyond the end of a stage while that is better too, and only in that direction', async () => {
    const rateOf = ({ rates }: DescentSettings) => rates[HEADS.wide]!;
    const cutCosts = (own: DescentSettings) => (own.first_pass?.cut === 0.05 ? 0 : -0.01);
    const near = (best: number) => (own: DescentSettings) => ({
      auc: -0.01 * Math.abs(Math.log2(rateOf(own) / best)) + cutCosts(own),
    });
    const low = await choose(8, 0, near(0.25));
    expect(rateOf(low.settings)).toBe(0.25);
    expect(low.tried.slice(0, 4).map(({ change, taken }) => [change, taken])).toEqual([
      ['rates x 0.5', true],
      ['rates x 2', false],
      ['rates x 0.25', true],
      ['rates x 0.125', false],
    ]);
    expect(rateOf((await choose(8, 0, near(32), { stages: STAGES_AT_START })).settings)).toBe(32);
    // and ends
    const most = await choose(8, 0, near(1e9), { stages: STAGES_AT_START });
    expect(most.tried.map(({ change }) => change)).toEqual([2, 4, 8, 16, 32, 64].map((x) => `rates x ${x}`));
  });

  it('goes on with steps and with the cut, from the settings taken', async () => {
    const { settings, ...choice } = await choose(8, 0, ({ steps, first_pass }) => ({
      auc: -0.01 * Math.abs(steps.at_50_seeds - 80) - Math.abs((first_pass?.cut ?? 0) - 0.2),
    }));
    expect(settings).toEqual({
      ...DEFAULT_DESCENT,
      steps: { ...DEFAULT_DESCENT.steps, at_50_seeds: 80 },
      first_pass: { steps: 10, cut: 0.2 },
    });
    expect(takenOf(choice)).toEqual(['40 steps at 50 seeds', '80 steps at 50 seeds', 'cut .1', 'cut .2']);
    const early = await choose(8, 0, ({ steps }) => ({ auc: -0.01 * Math.abs(steps.exponent - 0.9) }));
    expect(early.settings.steps.exponent).toBe(0.9);
  });

  it('starts at the earlier choice if that is better at all, and not if it is worse', async () => {
    const before = { ...DEFAULT_DESCENT, negatives_per_seed: 20 };
    const likes = (gain: number) => (own: DescentSettings) => ({
      auc: (own.negatives_per_seed === 20 ? gain : 0) - (own.first_pass ? 0 : 0.01),
    });
    const [better, worse] = [await choose(8, 0, likes(1e-5), { before }), await choose(8, 0, likes(-1e-5), { before })];
    expect(better.settings).toEqual(before);
    expect(worse.settings).toEqual(DEFAULT_DESCENT);
    expect(better.tried[0]).toMatchObject({ change: 'as chosen before training', taken: true });
    expect((await choose(3, 0, likes(-1), { before })).settings).toEqual(before);
  });

  it('tries nothing on fewer than four campaigns', async () => {
    const choice = await choose(3, 0, (own) => ({ auc: likesFast(own) }));
    expect(choice).toEqual({ settings: DEFAULT_DESCENT, tried: [], campaigns: 3 });
  });
});
