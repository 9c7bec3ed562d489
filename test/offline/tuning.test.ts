/** Settings are chosen on train campaigns alone, whose own tokens tell nothing. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import type { TunableMethod } from '../../src/offline/baselines.ts';
import { logisticRegression, logisticRegressionOnLatent } from '../../src/offline/logistic-baselines.ts';
import { naiveBayes } from '../../src/offline/naive-bayes.ts';
import type { OneHot } from '../../src/offline/one-hot.ts';
import { chooseSetting } from '../../src/offline/tuning.ts';
import { isPlantedMember, PLANTED_USERS, plantCampaign, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const campaigns = [plantCampaign('a', 'train'), plantCampaign('b', 'train')];
const rng = () => createRng('choice');

describe('chooseSetting', () => {
  const method = logisticRegression(oneHot);

  it('takes the setting with the best mean AUC', () => {
    const { setting, tried } = chooseSetting(method, campaigns, rng());
    expect(tried.map((t) => t.setting)).toEqual(method.grid);
    const best = Math.max(...tried.map((t) => t.auc));
    expect(best).toBeGreaterThan(0.9);
    expect(tried.find((t) => t.setting === setting)?.auc).toBe(best);
  });

  it('chooses alike for the same stream, and never looks at test campaigns', () => {
    const choice = chooseSetting(method, campaigns, rng());
    expect(chooseSetting(method, campaigns, rng())).toEqual(choice);
    expect(chooseSetting(method, [...campaigns, plantCampaign('c', 'test')], rng())).toEqual(choice);
    expect(chooseSetting(method, [plantCampaign('c', 'test')], rng()).tried).toEqual([]);
  });

  it('falls back where no campaign can be played', () => {
    const one = plantCampaign('one member', 'train');
    const lonely = { ...one, train: { users: Int32Array.of(1, 1, 2), labels: Uint8Array.of(1, 1, 0) } };
    const allMembers = { ...one, train: { users: Int32Array.of(1, 2, 3), labels: Uint8Array.of(1, 1, 1) } };
    expect(chooseSetting(method, [lonely, allMembers], rng())).toEqual({ setting: method.fallback, tried: [] });
  });
});

/** Tokens by lot, which tell nothing of the campaign's members; with `own`, each member has the last column too, as those of a past campaign have. */
function noise(own: boolean): OneHot {
  const lots = createRng('noise');
  const lists = Array.from({ length: PLANTED_USERS }, (_, user) => {
    const tokens = new Set<number>();
    while (tokens.size < 5) tokens.add(lots.integer(40));
    return [...tokens, ...(own && isPlantedMember(user) ? [40] : [])];
  });
  const offsets = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => {
    offsets[i + 1] = offsets[i]! + list.length;
  });
  return { offsets, tokens: Int32Array.from(lists.flat()), width: 41, users: Int32Array.from(lists.keys()) };
}

describe("a campaign's own token", () => {
  const aucs = (method: TunableMethod, own?: () => number) =>
    chooseSetting(method, campaigns, rng(), own).tried.map(({ auc }) => auc);
  const onLatent = (of: OneHot): TunableMethod => logisticRegressionOnLatent(of, createRng('svd'));

  it.each([
    ['logistic_regression', logisticRegression],
    ['logistic_regression_svd', onLatent],
    ['naive_bayes', naiveBayes],
  ] as [string, (oneHot: OneHot) => TunableMethod][])('is left out while %s is chosen for', (_, open) => {
    expect(Math.max(...aucs(open(noise(true))))).toBeGreaterThan(0.95);
    for (const auc of aucs(open(noise(true)), () => 40)) expect(Math.abs(auc - 0.5)).toBeLessThan(0.1);
  });

  it.each([logisticRegression, naiveBayes])('changes nothing for %o', (open) => {
    expect(aucs(open(noise(true)), () => 40)).toEqual(aucs(open(noise(false))));
  });
});
