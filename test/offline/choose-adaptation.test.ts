/** Choosing how heads are adapted: clear gains overrule the defaults, and nothing else does. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { DescentSettings } from '../../src/model/manifest.ts';
import { HEADS } from '../../src/model/metaheac.ts';
import { chooseAdaptation, STAGES_AT_START } from '../../src/offline/choose-adaptation.ts';
import { DEFAULT_DESCENT } from '../../src/offline/descent.ts';

/** Plays `count` campaigns whose AUC is a function of the settings, plus noise of its own that settings change. */
const choose = (
  count: number,
  noise: number,
  auc: (settings: DescentSettings) => number,
  options?: Parameters<typeof chooseAdaptation>[3],
) =>
  chooseAdaptation(
    DEFAULT_DESCENT,
    count,
    async (all) =>
      all.map((settings) =>
        Array.from({ length: count }, (_, i) => {
          const rng = createRng(`${i}/${JSON.stringify(settings)}`);
          return 0.8 + 0.01 * i + auc(settings) + noise * rng.normal();
        }),
      ),
    options,
  );

/** The larger the wide rate, the better, up to twice the default. */
const likesFast = ({ rates }: DescentSettings) => Math.min(rates[HEADS.wide]!, 2) * 0.01;
/** Likes short descents and no companion. */
const likesLittle = ({ steps, companion }: DescentSettings) =>
  (steps.at_50_seeds === 10 ? 0.02 : 0) - (companion ? 0.01 : 0);

describe('chooseAdaptation', () => {
  it('takes what gains clearly, and says what it tried', async () => {
    const { settings, tried, campaigns } = await choose(8, 0, likesFast);
    const doubled = Object.fromEntries(Object.entries(DEFAULT_DESCENT.rates).map(([name, rate]) => [name, 2 * rate]));
    expect(settings).toEqual({ ...DEFAULT_DESCENT, rates: doubled });
    expect(campaigns).toBe(8);
    expect(tried.filter(({ taken }) => taken)).toEqual([
      { change: 'rates x 2', gain: expect.closeTo(0.01, 12), error: expect.closeTo(0, 12), taken: true },
    ]);
    expect(tried.find(({ change }) => change === 'rates x 0.5')!.gain).toBeCloseTo(-0.005, 12);
  });

  it('goes on from what it took', async () => {
    const { settings, tried } = await choose(8, 0, likesLittle);
    const { companion: _, ...rest } = DEFAULT_DESCENT;
    expect(settings).toEqual({ ...rest, steps: { ...DEFAULT_DESCENT.steps, at_50_seeds: 10 } });
    expect(tried.filter(({ taken }) => taken).map(({ change }) => change)).toEqual([
      '10 steps at 50 seeds',
      'no companion',
    ]);
  });

  it('keeps the defaults where gains are lost in noise, whatever the draws', async () => {
    for (const salt of [0, 1, 2, 3, 4]) {
      const { tried } = await choose(6, 0.01, (own) => createRng(`${salt}/${JSON.stringify(own)}`).normal() * 0.0005);
      expect(tried.filter(({ taken }) => taken).length).toBeLessThan(2);
    }
  });

  it('keeps the defaults where the gain is clear but too small to matter', async () => {
    const { settings } = await choose(10, 0, (own) => likesFast(own) / 50);
    expect(settings).toEqual(DEFAULT_DESCENT);
  });

  it('tries larger rates and more of the companion before training', async () => {
    const likesMore = ({ rates, companion }: DescentSettings) =>
      (rates[HEADS.wide] === 4 ? 0.01 : 0) + (companion?.weight === 2 ? 0.01 : 0);
    const { settings, tried } = await choose(8, 0, likesMore, { stages: STAGES_AT_START });
    expect(settings.rates[HEADS.wide]).toBe(4);
    expect(settings.companion).toEqual({ ...DEFAULT_DESCENT.companion, weight: 2 });
    expect(tried.map(({ change }) => change)).toContain('companion of weight 4');
  });

  it('starts at what was chosen before where that is better at all, and not where it is worse', async () => {
    const before = { ...DEFAULT_DESCENT, negatives_per_seed: 20 };
    const likes = (gain: number) => (own: DescentSettings) => (own.negatives_per_seed === 20 ? gain : 0);
    const [better, worse] = [await choose(8, 0, likes(1e-5), { before }), await choose(8, 0, likes(-1e-5), { before })];
    expect(better.settings).toEqual(before);
    expect(worse.settings).toEqual(DEFAULT_DESCENT);
    expect(better.tried[0]).toMatchObject({ change: 'as chosen before training', taken: true });
    expect((await choose(3, 0, likes(-1), { before })).settings).toEqual(before);
  });

  it('tries nothing on fewer than four campaigns', async () => {
    const choice = await choose(3, 0, likesFast);
    expect(choice).toEqual({ settings: DEFAULT_DESCENT, tried: [], campaigns: 3 });
  });
});
