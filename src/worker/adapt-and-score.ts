/** What an expansion has the threads do: adapt the model, and score every segment as soon as it is adapted. */
import type { Job } from '../campaigns/types.ts';
import type { Cancellation } from '../lib/cancellation.ts';
import type { Following } from '../lib/thread-group.ts';
import type { Population } from '../population/population.ts';
import type { CustomiseResult, CustomiseTask } from './messages.ts';
import type { ThreadPool } from './pool.ts';

/** Progress at the end of adaptation, and at the end of scoring. */
export const ADAPTED = 0.5;
const SCORED = 0.95;

interface Work {
  readonly job: Job;
  readonly population: Population;
  readonly task: CustomiseTask;
}

interface Told {
  readonly onProgress: (progress: number) => void;
  readonly onAdapted: () => void;
  /** With the number of users of each segment. */
  readonly onScored: (users: number) => void;
}

/** Scores by user number, and how many users a run scored. */
interface Scored {
  readonly scores: Float32Array;
  readonly batchSize: number;
}

/**
 * Scores by user number, NaN for users who are not in this version, and what is stored of the adapted model. Quality
 * and prediction take one thread, which they need not share with the scoring of the others.
 */
export async function adaptAndScore(
  pool: ThreadPool,
  work: Work,
  cancellation: Cancellation,
  { onProgress, onAdapted, onScored }: Told,
): Promise<Scored & { readonly customised: CustomiseResult }> {
  const { parameters, customising } = await customiseUntilAdapted(pool, work.task, {
    cancellation,
    onProgress: (share) => onProgress(ADAPTED * share),
  });
  // its error is that of the scores' or of the last await; until then nobody waits for it
  customising.catch(() => {});
  onAdapted();
  const scored = await scoreAll(pool, work, parameters, {
    cancellation,
    onProgress: (share) => onProgress(ADAPTED + (SCORED - ADAPTED) * share),
    onScored,
  });
  return { ...scored, customised: await customising };
}

/** Starts an adaptation, and resolves when its parameters are known: quality and prediction may still be made. */
async function customiseUntilAdapted(
  pool: ThreadPool,
  task: CustomiseTask,
  { cancellation, onProgress }: Required<Following<number>>,
): Promise<{ readonly parameters: CustomiseResult['parameters']; readonly customising: Promise<CustomiseResult> }> {
  let tell: (parameters: CustomiseResult['parameters']) => void = () => {};
  let isAdapted = false;
  const early = new Promise<CustomiseResult['parameters']>((resolve) => {
    tell = resolve;
  });
  const customising = pool.customise(task, {
    cancellation,
    onProgress: (progress) => {
      if (typeof progress !== 'number') {
        isAdapted = true;
        tell(progress.parameters);
      } else if (!isAdapted) onProgress(progress);
    },
  });
  const parameters = await Promise.race([early, customising.then((result) => result.parameters)]);
  return { parameters, customising };
}

/** Scores of every user of the population by user number; NaN for users that are not in this version. */
async function scoreAll(
  pool: ThreadPool,
  { job, population }: Pick<Work, 'job' | 'population'>,
  parameters: CustomiseResult['parameters'],
  { cancellation, onProgress, onScored }: Required<Following<number>> & Pick<Told, 'onScored'>,
): Promise<Scored> {
  const { features, externalId } = job;
  const modelKey = `${job.id}/${job.attempt}`;
  const scores = new Float32Array(population.directory.size).fill(Number.NaN);
  let done = 0;
  let batchSize = 0;
  await Promise.all(
    Array.from({ length: population.segmentCount }, async (_, segment) => {
      const result = await pool.score(
        {
          ...{ kind: 'score', populationVersion: population.version, segment },
          ...{ modelKey, features, externalId, parameters },
        },
        { cancellation },
      );
      for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
      batchSize = result.batchSize;
      onScored(result.scores.length);
      done += 1;
      onProgress(done / population.segmentCount);
    }),
  );
  return { scores, batchSize };
}
