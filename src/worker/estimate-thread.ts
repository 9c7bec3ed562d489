/** A thread of the engine that tells from seeds alone what an audience would be worth; it has a model and sessions of its own. */
import { AppError } from '../lib/errors.ts';
import { createRng, sampleWithoutReplacement } from '../lib/rng.ts';
import { type Host, hostThread } from '../lib/thread-host.ts';
import { type GeneralModel, loadModel } from '../model/load.ts';
import { CPU } from '../model/session.ts';
import { bind } from '../online/binding.ts';
import { openBoundRegression } from '../online/bound-regression.ts';
import { customise, type OnlineContext, openOnlineProgram } from '../online/customise.ts';
import type { CampaignFeatures } from '../online/encode.ts';
import { planKey } from '../online/plan.ts';
import type { Prediction } from '../online/prediction.ts';
import { regressionCache } from '../online/regression-cache.ts';
import { openPopulation } from '../population/population.ts';

/** What the thread is started with: folders, and the versions in them that are served. */
export interface EstimateThreadData {
  readonly model: string;
  readonly modelVersion: string;
  readonly population: string;
  readonly populationVersion: string;
}

export interface EstimateTask {
  readonly features: CampaignFeatures;
  /** Rows of the population, ascending, none twice. */
  readonly seeds: Int32Array;
  /** So many of the seeds, and of all other users, are looked at. */
  readonly mostSeeds: number;
  readonly mostCandidates: number;
  /** An int32 that is 1 when nobody waits for the estimate any more. */
  readonly cancelled: SharedArrayBuffer;
}

export interface EstimateResult {
  readonly prediction: Prediction;
  /** Seeds and other users that it is of. */
  readonly seeds: number;
  readonly candidates: number;
}

class Estimates implements Host<EstimateTask, EstimateResult> {
  readonly #context: OnlineContext;

  constructor(context: OnlineContext) {
    this.#context = context;
  }

  /** Depends on the model, the population version, the features and the set of seeds alone. */
  async run({ features, seeds, mostSeeds, mostCandidates, cancelled }: EstimateTask): Promise<EstimateResult> {
    const { model, population } = this.#context;
    const flag = new Int32Array(cancelled);
    const check = () => {
      if (Atomics.load(flag, 0) === 1) throw new AppError('request_timeout', 'nobody waits for the estimate any more');
    };
    check();
    const none = new Int32Array(0);
    const key = planKey({
      modelVersion: model.manifest.version,
      populationVersion: population.version,
      features,
      filters: {},
      seeds,
      suppressed: none,
      dismissed: none,
    });
    const rng = createRng(key).fork('estimate');
    const candidates = othersThan(seeds, population.rowCount);
    if (candidates.length === 0) throw new AppError('invalid_argument', 'every user of the population is a seed');
    const chosen = sample(seeds, mostSeeds, rng.fork('seeds'));
    const ranked = sample(candidates, mostCandidates, rng.fork('candidates'));
    const { prediction } = await customise(this.#context, {
      key,
      features,
      seeds: chosen,
      candidates,
      ranked,
      poolRows: mostCandidates,
      onProgress: check,
    });
    return { prediction: prediction!, seeds: chosen.length, candidates: ranked.length };
  }

  async close(): Promise<void> {}
}

/** Every other row of the population. */
function othersThan(rows: Int32Array, rowCount: number): Int32Array {
  const out = new Int32Array(rowCount - rows.length);
  for (let row = 0, at = 0, next = 0; row < rowCount; row++) {
    if (rows[next] === row) next += 1;
    else out[at++] = row;
  }
  return out;
}

function sample(rows: Int32Array, most: number, rng: Parameters<typeof sampleWithoutReplacement>[0]): Int32Array {
  if (rows.length <= most) return rows;
  return sampleWithoutReplacement(rng, rows.length, most)
    .map((i) => rows[i]!)
    .sort();
}

async function open(data: EstimateThreadData): Promise<Estimates> {
  const model: GeneralModel = await loadModel(data.model, { device: CPU });
  if (model.manifest.version !== data.modelVersion) {
    const { version } = model.manifest;
    throw new AppError('model_unavailable', `${data.modelVersion} is served, and its folder holds ${version} now`);
  }
  const population = openPopulation(data.population, { version: data.populationVersion, trusted: true });
  const program = await openOnlineProgram(model, { device: CPU });
  const bound = { model, population, binding: bind(model.folder, population) };
  const regression = await openBoundRegression(bound, { cache: regressionCache(bound) });
  return new Estimates({ ...bound, program, regression });
}

await hostThread(open);
