/** One attempt at an expansion: seeds -> customised model -> scores -> ranking -> audience version. */
import { join } from 'node:path';
import { writeRanking } from '../audience/write-ranking.ts';
import type { CampaignStore } from '../campaigns/store.ts';
import type { Job, Pins, Reason } from '../campaigns/types.ts';
import type { Clock } from '../lib/clock.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { planKey } from '../online/plan.ts';
import type { Population } from '../population/population.ts';
import type { ThreadPool } from './pool.ts';

/** Shares of the progress bar: adaptation ends at the first, scoring at the second. */
const ADAPTED = 0.5;
const SCORED = 0.95;
/** Progress is written at most this often. */
const PROGRESS_EVERY_MS = 1000;
/** A retry waits this long times the square of the attempt. */
const RETRY_DELAY_MS = 500;

export interface ExpandDependencies {
  readonly store: CampaignStore;
  readonly pool: ThreadPool;
  readonly dataDir: string;
  readonly modelVersion: string;
  readonly populationVersion: string;
  /** A published version of the population. */
  openPopulation(version: string): Population;
  readonly minimumSeeds: number;
  readonly clock: Clock;
}

export type Outcome = { readonly kind: 'ready' | 'too_small' | 'failed' | 'retry' | 'lost' } & {
  readonly reason?: Reason;
};

/** The lease was lost: another owner has the job, and this attempt's work is dropped. */
class LeaseLost extends Error {}

/** Works on a claimed job to its end. What the world refuses is a state with a reason; this throws only where the store cannot be written. */
export async function expand(dependencies: ExpandDependencies, job: Job): Promise<Outcome> {
  const { store } = dependencies;
  const pins = store.pin(job, dependencies);
  try {
    return await attempt(dependencies, job, pins);
  } catch (error) {
    if (error instanceof LeaseLost) return { kind: 'lost' };
    const reason = reasonOf(error);
    store.retryLater(job, reason, RETRY_DELAY_MS * job.attempt ** 2);
    return { kind: 'retry', reason };
  }
}

async function attempt(dependencies: ExpandDependencies, job: Job, pins: Pins): Promise<Outcome> {
  const { store, pool, clock } = dependencies;
  const timings: Record<string, number> = { queued: Math.max(0, clock.now() - job.queuedAt) / 1000 };
  const fail = (reason: Reason): Outcome => {
    hold(store.end(job, 'failed', reason, timings));
    return { kind: 'failed', reason };
  };
  if (pins.modelVersion !== dependencies.modelVersion) {
    return fail({
      code: 'model_unavailable',
      message: `the expansion was begun with model ${pins.modelVersion}, and ${dependencies.modelVersion} is served now`,
      model_version: pins.modelVersion,
    });
  }
  let population: Population;
  try {
    population = dependencies.openPopulation(pins.populationVersion);
  } catch (error) {
    return fail({
      code: 'population_unavailable',
      message: messageOf(error),
      population_version: pins.populationVersion,
    });
  }
  const seedIds = store.readSeeds(job);
  const { seeds, known, candidates } = findRows(population, seedIds);
  if (seeds.length < dependencies.minimumSeeds) {
    const reason: Reason = {
      code: 'too_few_seeds',
      message: `${seeds.length} known seeds, and ${dependencies.minimumSeeds} are needed`,
      known: seeds.length,
      minimum: dependencies.minimumSeeds,
    };
    hold(store.end(job, 'too_small', reason, timings));
    return { kind: 'too_small', reason };
  }
  if (candidates.length === 0)
    return fail({
      code: 'no_candidates',
      message: 'every user of the population is a seed',
      population: population.rowCount,
    });

  const progress = reporter(dependencies, job);
  hold(store.advance(job, { state: 'adapting', progress: 0.01 }));
  let start = clock.elapsed();
  const stage = (name: string) => {
    const now = clock.elapsed();
    timings[name] = (now - start) / 1000;
    start = now;
  };
  const key = planKey({ ...pins, features: job.features, seeds: known, suppressed: [] });
  const customised = await pool.customise(
    { kind: 'customise', populationVersion: pins.populationVersion, key, features: job.features, seeds, candidates },
    (share) => progress(ADAPTED * share),
  );
  stage('adapting');
  hold(store.advance(job, { state: 'scoring', progress: ADAPTED }));
  const scores = await scoreAll(dependencies, job, population, customised.parameters, (share) =>
    progress(ADAPTED + (SCORED - ADAPTED) * share),
  );
  for (const number of population.readRows(seeds).userNumbers) scores[number] = Number.NaN;
  stage('scoring');
  hold(store.renew(job));
  const folder = join('audiences', job.campaignId, job.expansionId);
  const ranking = writeRanking(join(dependencies.dataDir, folder), scores);
  stage('ranking');
  const quality = { epochs: customised.epochs, held_out: customised.quality };
  hold(
    store.finish(job, {
      folder,
      candidates: ranking.candidates,
      populationSize: population.rowCount,
      timings,
      quality,
    }),
  );
  return { kind: 'ready' };
}

/** Seeds' and candidates' rows, ascending, and the ids of the seeds that are in this version. */
function findRows(
  population: Population,
  ids: readonly string[],
): { seeds: Int32Array; known: string[]; candidates: Int32Array } {
  const isSeed = new Uint8Array(population.rowCount);
  const known: string[] = [];
  for (const id of ids) {
    const number = population.directory.find(id);
    const row = number < 0 ? -1 : (population.rowOf[number] ?? -1);
    if (row < 0) continue;
    isSeed[row] = 1;
    known.push(id);
  }
  const rowsWhere = (value: number) => {
    const out = new Int32Array(isSeed.length);
    let count = 0;
    for (let row = 0; row < isSeed.length; row++) if (isSeed[row] === value) out[count++] = row;
    return out.slice(0, count);
  };
  return { seeds: rowsWhere(1), known, candidates: rowsWhere(0) };
}

/** Scores of every user of the population by user number; NaN for users that are not in this version. */
async function scoreAll(
  { pool }: ExpandDependencies,
  job: Job,
  population: Population,
  parameters: Awaited<ReturnType<ThreadPool['customise']>>['parameters'],
  onProgress: (share: number) => void,
): Promise<Float32Array> {
  const scores = new Float32Array(population.directory.size).fill(Number.NaN);
  let done = 0;
  await Promise.all(
    Array.from({ length: population.segmentCount }, async (_, segment) => {
      const result = await pool.score({
        kind: 'score',
        populationVersion: population.version,
        modelKey: `${job.id}/${job.attempt}`,
        features: job.features,
        parameters,
        segment,
      });
      for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
      done += 1;
      onProgress(done / population.segmentCount);
    }),
  );
  return scores;
}

/** Writes progress to the store, at most once a second. */
function reporter({ store, clock }: ExpandDependencies, job: Job): (progress: number) => void {
  let last = clock.elapsed();
  return (progress) => {
    if (clock.elapsed() - last < PROGRESS_EVERY_MS) return;
    last = clock.elapsed();
    store.advance(job, { progress });
  };
}

function hold(held: boolean): void {
  if (!held) throw new LeaseLost();
}

function reasonOf(error: unknown): Reason {
  if (error instanceof AppError) return { code: error.code, message: error.message };
  return { code: 'internal', message: 'the expansion failed for a reason of our own: see the log' };
}
