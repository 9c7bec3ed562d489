/** The companion as a method of its own. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/metaheac.ts';
import { settle } from '../../src/offline/baselines.ts';
import { companionMethod } from '../../src/offline/companion.ts';
import { latentStart } from '../../src/offline/latent-start.ts';
import { measureRanking } from '../../src/offline/metrics.ts';
import { isPlantedMember, plantOneHot } from './planted.ts';

const oneHot = plantOneHot();
const vectors = latentStart(oneHot, 32, createRng('vectors'));
const methodOf = (...parameters: string[]) => companionMethod(oneHot, vectors, parameters);

describe('companionMethod', () => {
  it('finds members by tokens, by latent vectors, and by both', () => {
    const seeds = oneHot.users.filter((user) => isPlantedMember(user) && user < 200);
    const others = oneHot.users.filter((user) => user >= 200);
    const labels = Uint8Array.from(others, (user) => (isPlantedMember(user) ? 1 : 0));
    const method = methodOf(HEADS.wide, HEADS.query);
    for (const setting of [
      { wide: 0.1, query: 0 },
      { wide: 0, query: 0.03 },
      { wide: 0.02, query: 0.03 },
    ]) {
      const score = settle(method, setting).scorer(seeds, createRng('draws'));
      expect(measureRanking(others, score(others), labels).auc, JSON.stringify(setting)).toBeGreaterThan(0.8);
    }
  });

  it('tries strengths of the given parameters alone', () => {
    expect(methodOf(HEADS.wide, HEADS.query).grid).toHaveLength(8);
    expect(methodOf(HEADS.wide).grid.map(({ query }) => query)).toEqual([0, 0, 0, 0]);
    expect(methodOf(HEADS.query).grid).toEqual([{ wide: 0, query: 0.03 }]);
    expect(methodOf(HEADS.query).fallback).toEqual({ wide: 0, query: 0.03 });
  });

  it('takes parameters that it has no strengths of for a bug', () => {
    expect(() => methodOf(HEADS.bias)).toThrow(/heads\.bias/);
  });
});
