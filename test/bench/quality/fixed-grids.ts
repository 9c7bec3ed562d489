/** The settings of parts alone as they were chosen before grids went on at their edges. */
import { HEADS } from '../../../src/architectures/heads.ts';
import { createRng } from '../../../src/lib/rng.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import type { Setting, TunableMethod } from '../../../src/offline/baselines.ts';
import { DEFAULT_DESCENT } from '../../../src/offline/descent.ts';
import { openFutures } from '../../../src/offline/futures.ts';
import type { OneHot } from '../../../src/offline/one-hot.ts';
import { populationRidge } from '../../../src/offline/population-ridge.ts';
import type { PreparedDataSet } from '../../../src/offline/prepared-data-set.ts';
import { type LogisticSetting, logisticRegressionMethod } from '../../../src/offline/tune-logistic-regression.ts';
import { chooseSetting } from '../../../src/offline/tuning.ts';

/**
 * The best regression and companion alone of grids that do not go on at their edges; `tuned` has those of grids that do,
 * `vectors` are as in `latentStart`.
 */
export function tuneOnFixedGrids(
  prepared: PreparedDataSet,
  vectors: Float32Array,
  tuned: DescentSettings,
  seed: number,
): Pick<DescentSettings, 'regression' | 'companion'> {
  const futures = openFutures(prepared, prepared.userFeatures);
  const rng = createRng(`train/${seed}/companion`);
  /** What was chosen is the best of the grid too, if it is in there. */
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
