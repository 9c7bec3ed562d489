/**
 * What an expansion has the threads do: adapt the model, and score every segment as soon as it is adapted. An attempt
 * that follows one that was stopped goes on with what that had finished.
 */
import type { Job } from '../campaigns/types.ts';
import type { Cancellation } from '../lib/cancellation.ts';
import type { Following } from '../lib/thread-group.ts';
import type { Population } from '../population/population.ts';
import type { FinishedWork } from './finished-work.ts';
import type { CustomiseResult, CustomiseTask, StoredCustomised } from './messages.ts';
import type { ThreadPool } from './pool.ts';
import type { WorkKeeper } from './work-keeper.ts';

/** Progress when all is scored and reported; the rest is the ranking. */
const SCORED = 0.98;

interface Work {
  readonly job: Job;
  readonly population: Population;
  readonly task: CustomiseTask;
  /** Progress at the end of adaptation. */
  readonly adapted: number;
}

interface Told {
  /** With the number of segments that an attempt before has scored. */
  readonly onResumed: (segments: number) => void;
  /** With the share of the time that has passed, as far as it is known. */
  readonly onProgress: (progress: number) => void;
  readonly onAdapted: () => void;
  /** With the number of users of each segment. */
  readonly onScored: (users: number) => void;
}

interface Scored {
  /** By user number. */
  readonly scores: Float32Array;
  /** How many users a run scored. */
  readonly batchSize: number;
  readonly customised: StoredCustomised;
}

type Parameters = CustomiseResult['parameters'];

/**
 * Scores by user number, NaN for users who are not in this version, and what is stored of the adapted model. Quality
 * and prediction take one thread, which they need not share with the scoring of the others.
 */
export async function adaptAndScore(
  { pool, keeper }: { readonly pool: ThreadPool; readonly keeper: WorkKeeper },
  work: Work,
  cancellation: Cancellation,
  { onResumed, onProgress, onAdapted, onScored }: Told,
): Promise<Scored> {
  const finished = keeper.begin(work, pool.computedWith.device);
  const { adapted } = work;
  // the report is made beside the scoring: whichever is further behind ends last
  const shares = { scored: 0, reported: 0 };
  const onShare = (change: Partial<typeof shares>) => {
    Object.assign(shares, change);
    onProgress(adapted + (SCORED - adapted) * Math.min(shares.scored, shares.reported));
  };
  try {
    if (finished.customised) onResumed(finished.isScored.filter(Boolean).length);
    const { parameters, customising } = finished.customised
      ? await restore(pool, finished.customised, cancellation)
      : await customiseUntilAdapted(pool, work.task, {
          cancellation,
          onProgress: (share) => onProgress(adapted * share),
          onReported: (reported) => onShare({ reported }),
        });
    // its error is that of the scores' or of the last await; until then nobody waits for it
    customising.then(
      (customised) => {
        finished.customised = customised;
        onShare({ reported: 1 });
      },
      () => {},
    );
    onAdapted();
    await scoreAll(
      pool,
      work,
      { parameters, finished },
      {
        cancellation,
        onProgress: (scored) => onShare({ scored }),
        onScored,
      },
    );
    const { scores, batchSize } = finished;
    return { scores, batchSize, customised: await customising };
  } finally {
    keeper.end(finished);
  }
}

/** A model that is adapted, and the promise of what is stored of it. */
interface Adapted {
  readonly parameters: Parameters;
  readonly customising: Promise<StoredCustomised>;
}

/** With a model that an attempt before has adapted. */
async function restore(pool: ThreadPool, stored: StoredCustomised, cancellation: Cancellation): Promise<Adapted> {
  const { parameters } = await pool.restore({ kind: 'restore', customised: stored.customised }, { cancellation });
  return { parameters, customising: Promise.resolve(stored) };
}

/** Starts an adaptation, and resolves when its parameters are known: quality and prediction may still be made. */
async function customiseUntilAdapted(
  pool: ThreadPool,
  task: CustomiseTask,
  { cancellation, onProgress, onReported }: Required<Following<number>> & { onReported: (share: number) => void },
): Promise<Adapted> {
  let tell: (parameters: Parameters) => void = () => {};
  let isAdapted = false;
  const early = new Promise<Parameters>((resolve) => {
    tell = resolve;
  });
  const customising = pool.customise(task, {
    cancellation,
    onProgress: (progress) => {
      if (typeof progress !== 'number') {
        isAdapted = true;
        tell(progress.parameters);
      } else (isAdapted ? onReported : onProgress)(progress);
    },
  });
  const parameters = await Promise.race([early, customising.then((result) => result.parameters)]);
  return { parameters, customising };
}

/** Scores every segment that is not scored yet. */
async function scoreAll(
  pool: ThreadPool,
  { job, population }: Pick<Work, 'job' | 'population'>,
  { parameters, finished }: { readonly parameters: Parameters; readonly finished: FinishedWork },
  { cancellation, onProgress, onScored }: Required<Following<number>> & Pick<Told, 'onScored'>,
): Promise<void> {
  const { features, externalId } = job;
  const modelKey = `${job.id}/${job.attempt}`;
  const { scores, isScored } = finished;
  const left = [...isScored.keys()].filter((segment) => isScored[segment] === 0);
  let done = isScored.length - left.length;
  await Promise.all(
    left.map(async (segment) => {
      const result = await pool.score(
        {
          ...{ kind: 'score', populationVersion: population.version, segment },
          ...{ modelKey, features, externalId, parameters },
        },
        { cancellation },
      );
      for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
      finished.batchSize = result.batchSize;
      isScored[segment] = 1;
      onScored(result.scores.length);
      done += 1;
      onProgress(done / isScored.length);
    }),
  );
}
