/** How a grid is extended: one step beyond each edge that its best is at, and never beyond the end of an axis. */
import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/lib/rng.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { Setting, TunableMethod } from '../../src/training/baselines/baselines.ts';
import { logisticRegression, logisticRegressionOnLatent } from '../../src/training/baselines/logistic-baselines.ts';
import { naiveBayes } from '../../src/training/baselines/naive-bayes.ts';
import { populationRidge } from '../../src/training/baselines/population-ridge.ts';
import { logisticRegressionMethod } from '../../src/training/baselines/tune-logistic-regression.ts';
import { userKnn } from '../../src/training/baselines/user-knn.ts';
import { beyondEdges } from '../../src/training/choices/grid-edges.ts';
import { latentStart } from '../../src/training/meta/latent-start.ts';
import { plantOneHot } from './planted.ts';

const AXES = {
  strength: { factor: 3, lowest: 0.1, highest: 20 },
  power: { step: 0.5, lowest: 0, highest: 1 },
};
const TRIED = [0, 0.5].flatMap((power) => [1, 3].map((strength) => ({ strength, power })));

describe('beyondEdges', () => {
  it('goes on along each value that is the lowest, or the highest, of those tried with all others equal', () => {
    expect(beyondEdges(AXES, { strength: 1, power: 0.5 }, TRIED)).toEqual([
      { strength: 0.33, power: 0.5 },
      { strength: 1, power: 1 },
    ]);
    expect(beyondEdges(AXES, { strength: 3, power: 0 }, TRIED)).toEqual([{ strength: 9, power: 0 }]);
  });

  it('recognises that a setting is inside', () => {
    const tried = [...TRIED, { strength: 0.33, power: 0.5 }, { strength: 1, power: 1 }];
    expect(beyondEdges(AXES, { strength: 1, power: 0.5 }, tried)).toEqual([]);
  });

  it('compares with everything tried if nothing else is on the line, as for a new strength', () => {
    const best = { strength: 0.33, power: 0.5 };
    const tried = [0, 0.5, 1].flatMap((power) => [1, 3].map((strength) => ({ strength, power })));
    expect(beyondEdges(AXES, best, [...tried, best])).toEqual([{ strength: 0.11, power: 0.5 }]);
  });

  it('stops at the ends of an axis', () => {
    const line = (power: number) => [1, 3, 9].map((strength) => ({ strength, power }));
    expect(beyondEdges(AXES, { strength: 9, power: 1 }, [...line(1), ...line(0.5)])).toEqual([]);
    expect(beyondEdges(AXES, { strength: 1, power: 0 }, [...line(0), ...line(0.5)])).toEqual([
      { strength: 0.33, power: 0 },
    ]);
    expect(beyondEdges(AXES, { strength: 0.2, power: 0 }, [{ strength: 1, power: 1 }])).toEqual([]);
  });

  it('goes both ways from an only value, but not from 0, which excludes a part', () => {
    const axes = { wide: { factor: 3, lowest: 0.001, highest: 9 }, query: { factor: 3, lowest: 0.001, highest: 9 } };
    expect(beyondEdges(axes, { wide: 0, query: 0.03 }, [{ wide: 1, query: 0.03 }])).toEqual([
      { wide: 0, query: 0.01 },
      { wide: 0, query: 0.09 },
    ]);
    expect(
      beyondEdges(axes, { wide: 1, query: 0.03 }, [
        { wide: 0, query: 0.03 },
        { wide: 3, query: 0.03 },
        { wide: 1, query: 0 },
        { wide: 1, query: 0.1 },
      ]),
    ).toEqual([
      { wide: 0.33, query: 0.03 },
      { wide: 1, query: 0.01 },
    ]);
  });
});

describe('the grids of the methods', () => {
  const oneHot = plantOneHot();
  const companion = (...parameters: string[]) =>
    logisticRegressionMethod(oneHot, latentStart(oneHot, 32, createRng('vectors')), parameters);
  const onLatent = logisticRegressionOnLatent(oneHot, createRng('svd'));
  const both = companion(HEADS.wide, HEADS.query);
  type Case = [string, TunableMethod, best: Setting, further: Setting[]];
  const as = (method: unknown) => method as TunableMethod;
  const CASES: Case[] = [
    ['weak ridges', as(populationRidge(oneHot)), { strength: 0.005, power: 0.25 }, [{ strength: 0.0017, power: 0.25 }]],
    ['strong ridges', as(populationRidge(oneHot)), { strength: 0.5, power: 0.125 }, [{ strength: 1.5, power: 0.125 }]],
    ['high powers', as(populationRidge(oneHot)), { strength: 0.05, power: 0.5 }, [{ strength: 0.05, power: 0.75 }]],
    ['no power below 0', as(populationRidge(oneHot)), { strength: 0.05, power: 0 }, []],
    ['weak penalties', as(logisticRegression(oneHot)), { strength: 1 }, [{ strength: 3 }]],
    ['strong penalties', as(logisticRegression(oneHot)), { strength: 0.001 }, [{ strength: 0.00033 }]],
    ['latent vectors', as(onLatent), { idf_power: 0, strength: 1 }, [{ idf_power: 0, strength: 3 }]],
    ['weak smoothing', as(naiveBayes(oneHot)), { smoothing: 20 }, [{ smoothing: 6.7 }]],
    ['strong smoothing', as(naiveBayes(oneHot)), { smoothing: 5000 }, [{ smoothing: 15_000 }]],
    ['many neighbours', as(userKnn(oneHot)), { k: 100, idf_power: 1 }, [{ k: 300, idf_power: 1 }]],
    ['one neighbour', as(userKnn(oneHot)), { k: 1, idf_power: 1 }, []],
    ['the tokens of a logistic regression', as(both), { wide: 1, query: 0 }, [{ wide: 3, query: 0 }]],
    [
      'both parameters of a logistic regression',
      as(both),
      { wide: 0.02, query: 0.03 },
      [
        { wide: 0.0067, query: 0.03 },
        { wide: 0.02, query: 0.01 },
        { wide: 0.02, query: 0.09 },
      ],
    ],
  ];
  it.each(CASES)('go on for %s', (_, method, best, further) => {
    expect(method.grid).toContainEqual(best);
    expect(method.beyond!(best, method.grid)).toEqual(further);
  });

  it.each(CASES)('end for %s', (_, method, best) => {
    const tried = [...method.grid];
    let steps = 0;
    // as if each further one were the best, in one direction after the other
    for (let next = [best]; next.length > 0 && steps < 1000; steps++) {
      const further = method.beyond!(next.pop()!, tried);
      tried.push(...further);
      next = [...next, ...further];
    }
    expect(steps).toBeLessThan(1000);
    for (const [name, value] of tried.flatMap((setting) => Object.entries(setting)))
      expect(Number.isFinite(value) && value >= 0, name).toBe(true);
  });
});
