/** The L2 strength is chosen on train campaigns alone. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { chooseStrength } from '../../src/offline/regularisation.ts';
import { plantCampaign, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const campaigns = [plantCampaign('a', 'train'), plantCampaign('b', 'train')];

describe('chooseStrength', () => {
  it('takes the strength with the best mean AUC', () => {
    const { strength, tried } = chooseStrength(oneHot, campaigns, createRng('choice'));
    expect(tried.map((t) => t.strength)).toEqual([0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1]);
    const best = Math.max(...tried.map((t) => t.auc));
    expect(best).toBeGreaterThan(0.9);
    expect(tried.find((t) => t.strength === strength)?.auc).toBe(best);
  });

  it('chooses alike for the same stream, and never looks at test campaigns', () => {
    const choice = chooseStrength(oneHot, campaigns, createRng('choice'));
    const more = [...campaigns, plantCampaign('c', 'test')];
    expect(chooseStrength(oneHot, campaigns, createRng('choice'))).toEqual(choice);
    expect(chooseStrength(oneHot, [plantCampaign('c', 'test')], createRng('choice')).tried).toEqual([]);
    expect(chooseStrength(oneHot, more, createRng('choice')).tried.length).toBe(choice.tried.length);
  });

  it('falls back to .1 where no campaign can be played', () => {
    const one = plantCampaign('one member', 'train');
    const lonely = { ...one, train: { users: Int32Array.of(1, 1, 2), labels: Uint8Array.of(1, 1, 0) } };
    const allMembers = { ...one, train: { users: Int32Array.of(1, 2, 3), labels: Uint8Array.of(1, 1, 1) } };
    expect(chooseStrength(oneHot, [lonely, allMembers], createRng('choice'))).toEqual({ strength: 0.1, tried: [] });
  });
});
