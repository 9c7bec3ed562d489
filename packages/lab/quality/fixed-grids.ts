/**
 * Chooses the settings of single parts as an earlier version did: without extending a grid when the best value is at
 * its edge.
 */

import { createRng } from '../../../src/lib/rng.ts';
import { HEADS } from '../../../src/model/architectures/heads.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import type { Setting, TunableMethod } from '../../../src/training/baselines/baselines.ts';
import { populationRidge } from '../../../src/training/baselines/population-ridge.ts';
import {
  type LogisticSetting,
  logisticRegressionMethod,
} from '../../../src/training/baselines/tune-logistic-regression.ts';
import { DEFAULT_DESCENT } from '../../../src/training/choices/descent.ts';
import { chooseSetting } from '../../../src/training/choices/tuning.ts';
import { openFutures } from '../../../src/training/history/futures.ts';
import type { OneHot } from '../../../src/training/history/one-hot.ts';
import type { PreparedDataSet } from '../../../src/training/history/prepared-data-set.ts';

/**
 * Returns the best single regression of each kind from grids that are not extended. `tuned` contains the best
 * regressions from extended grids; `vectors` are the vectors of `latentStart`.
 */
export function tuneOnFixedGrids(
  prepared: PreparedDataSet,
  vectors: Float32Array,
  tuned: DescentSettings,
  seed: number,
): Pick<DescentSettings, 'regression' | 'companion'> {
  const futures = openFutures(prepared, prepared.userFeatures);
  const rng = createRng(`train/${seed}/companion`);
  /**
   * Returns `chosen`, the best setting in the extended grid, if the fixed grid contains it, because `chosen` is then
   * also the best setting in the fixed grid. Otherwise searches the fixed grid.
   */
  const choose = <S extends Setting>(open: (oneHot: OneHot) => TunableMethod<S>, chosen: S): S => {
    const isSame = (setting: S) => Object.keys(chosen).every((key) => setting[key] === chosen[key]);
    if (open(futures.oneHot).grid.some(isSame)) return chosen;
    return chooseSetting((oneHot) => ({ ...open(oneHot), beyond: () => [] }), futures, rng, 'evidence').setting;
  };
  const regression = tuned.regression!;
  const { strength, power } = regression;
  const { companion = DEFAULT_DESCENT.companion! } = tuned;
  const { [HEADS.wide]: wide = 0, [HEADS.query]: query = 0 } = companion.strengths;
  const parameters = Object.keys(DEFAULT_DESCENT.companion!.strengths);
  const strengths = choose((oneHot) => logisticRegressionMethod(oneHot, vectors, parameters), { wide, query });
  return {
    regression: { ...regression, ...choose(populationRidge, { strength, power }) },
    companion: { ...companion, strengths: strengthsOf(strengths) },
  };
}

function strengthsOf({ wide, query }: LogisticSetting): Record<string, number> {
  return { ...(wide > 0 ? { [HEADS.wide]: wide } : {}), ...(query > 0 ? { [HEADS.query]: query } : {}) };
}
