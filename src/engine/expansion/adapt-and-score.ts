/** Adapts the model and scores all segments in threads. Resumes from the checkpoint of a stopped attempt. */
import { SCORED } from '../../domain/queue-time.ts';
import type { ThreadSeconds } from '../../domain/run-facts.ts';
import type { Job, Pins } from '../../domain/types.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Cancellation } from '../../lib/threads/cancellation.ts';
import type { Following } from '../../lib/threads/thread-group.ts';
import type { Population } from '../../population/read.ts';
import { type ThreadPool, URGENCY } from '../pool.ts';
import type {
  AdaptedParameters,
  CustomiseResult,
  CustomiseTask,
  ScoreTask,
  StoredCustomised,
} from '../thread-tasks.ts';
import type { WorkMark } from '../work-list.ts';
import type { Checkpoint, Checkpoints } from './checkpoints.ts';
import { WorkTime } from './work-time.ts';

interface Work {
  readonly job: Job;
  readonly pins: Pins;
  readonly population: Population;
  readonly task: CustomiseTask;
  /** Expected share of the work for each kind of work. */
  readonly shares: ThreadSeconds;
}

export interface AdaptDependencies {
  readonly pool: ThreadPool;
  readonly keeper: Checkpoints;
  readonly clock: Clock;
  /** Maximum size of all user sides if missing ones are to be stored, otherwise 0 (the default). */
  readonly roomForUserSides?: (pins: Pins) => number;
}

/** Observes an attempt at an expansion. An exception ends the attempt. */
export interface ExpansionObserver {
  /** Shows when the engine is working on the expansion, which begins with the attempt. */
  readonly mark: WorkMark;
  /** Called with the number of segments that an earlier attempt already scored. */
  onResumed(segments: number): void;
  /** Called with the finished share of the work. */
  onProgress(share: number): void;
  onAdapted(share: number): Promise<void>;
  /** Called with the number of users of each scored segment. */
  onScored(users: number): void;
  /** Called when all users are scored, before the ranking is written. */
  onAllScored(): Promise<void>;
}

interface Scored {
  /** Scores by user number. */
  readonly scores: Float32Array;
  /** Number of users per run of the model. */
  readonly batchSize: number;
  readonly customised: StoredCustomised;
  /** Thread-seconds of the work; null if an earlier attempt did part of the work. */
  readonly threadSeconds: ThreadSeconds | null;
}

type Parameters = CustomiseResult['parameters'];

/**
 * Returns scores by user number (NaN for users who are not in this population version) and the stored part of the
 * adapted model. One thread computes quality and prediction while the other threads score.
 */
export async function adaptAndScore(
  { pool, keeper, clock, roomForUserSides = () => 0 }: AdaptDependencies,
  work: Work,
  cancellation: Cancellation,
  observer: ExpansionObserver,
): Promise<Scored> {
  const finished = await keeper.begin(work, `${pool.computedWith.device} ${pool.goldenSha256}`);
  const isResumed = finished.customised !== null;
  const time = new WorkTime(clock, observer.mark);
  const { shares } = work;
  const done = { adapting: 0, reporting: 0, scoring: 0 };
  const progress = () =>
    SCORED * (done.adapting * shares.adapting + done.reporting * shares.reporting + done.scoring * shares.scoring);
  const onDone = (change: Partial<ThreadSeconds>) => {
    Object.assign(done, change);
    observer.onProgress(progress());
  };
  try {
    if (isResumed) observer.onResumed(finished.isScored.filter(Boolean).length);
    const { parameters, customising } = finished.customised
      ? await restore(pool, finished.customised, { cancellation, time })
      : await customiseUntilAdapted(pool, work.task, {
          cancellation,
          onProgress: (adapting) => onDone({ adapting }),
          onReported: (reporting) => onDone({ reporting }),
          time,
        });
    // `await customising` below reports its error, unless scoring fails first
    customising.then(
      (customised) => {
        finished.customised = customised;
        onDone({ adapting: 1, reporting: 1 });
      },
      () => {},
    );
    done.adapting = 1;
    await observer.onAdapted(progress());
    await scoreAll(
      pool,
      work,
      { parameters, finished, userSideBytes: roomForUserSides(work.pins) },
      {
        cancellation,
        onProgress: (scoring) => onDone({ scoring }),
        onScored: (users) => observer.onScored(users),
        time,
      },
    );
    const { scores, batchSize } = finished;
    const stored = await customising;
    return { scores, batchSize, customised: stored, threadSeconds: isResumed ? null : time.seconds };
  } finally {
    keeper.end(finished);
  }
}

/** The parameters of an adapted model, and a promise of the model's stored part. */
interface Adapted {
  readonly parameters: Parameters;
  /** The bytes of customised.bin, if the task asked for them before the report is finished. */
  readonly early: Uint8Array | null;
  readonly customising: Promise<StoredCustomised>;
}

/** Restores a model that an earlier attempt adapted. */
async function restore(
  pool: ThreadPool,
  { customised, ...stored }: StoredCustomised,
  { cancellation, time }: Pick<Customising, 'cancellation' | 'time'>,
): Promise<Adapted> {
  const { begin, end } = time.task();
  const { parameters } = await pool.restore({ kind: 'restore', customised }, { cancellation, onBegin: begin });
  end();
  return { parameters, early: null, customising: Promise.resolve({ ...stored, customised }) };
}

interface Customising extends Required<Omit<Following<number>, 'onBegin'>> {
  readonly onReported: (share: number) => void;
  readonly time: WorkTime;
}

/**
 * Starts an adaptation. Resolves once the parameters are known, which may be before quality and prediction are known.
 */
export async function customiseUntilAdapted(
  pool: ThreadPool,
  task: CustomiseTask,
  { cancellation, onProgress, onReported, time }: Customising,
): Promise<Adapted> {
  let tell: (adapted: AdaptedParameters) => void = () => {};
  let isAdapted = false;
  const { begin, pass, end } = time.task();
  const ranks = time.task();
  const early = new Promise<AdaptedParameters>((resolve) => {
    tell = resolve;
  });
  const customising = pool.customise(task, {
    cancellation,
    onBegin: begin,
    onRanks: (isBeginning) => {
      if (isBeginning) return ranks.begin();
      ranks.pass('reporting');
      ranks.end();
    },
    onProgress: (progress) => {
      if (typeof progress !== 'number') {
        isAdapted = true;
        pass('adapting');
        tell(progress);
      } else (isAdapted ? onReported : onProgress)(progress);
    },
  });
  customising.then(
    () => {
      pass(isAdapted ? 'reporting' : 'adapting');
      end();
    },
    () => {},
  );
  const adapted = await Promise.race([early, customising]);
  const stored = task.category === null ? customising : withUnmasked(pool, task, customising, cancellation);
  return { parameters: adapted.parameters, early: adapted.customised, customising: stored };
}

/** Adds the prediction for a model that uses all features, from the same held-out seeds. */
async function withUnmasked(
  pool: ThreadPool,
  task: CustomiseTask,
  customising: Promise<CustomiseResult>,
  cancellation: Cancellation,
): Promise<CustomiseResult> {
  const customised = await customising;
  const { prediction } = await pool.customise({ ...task, category: null }, { cancellation }, URGENCY.segment);
  return { ...customised, unmasked: prediction };
}

/** Scores every segment that has no scores yet. */
async function scoreAll(
  pool: ThreadPool,
  { job, population }: Pick<Work, 'job' | 'population'>,
  { finished, ...given }: { readonly finished: Checkpoint } & Required<Pick<ScoreTask, 'parameters' | 'userSideBytes'>>,
  { cancellation, onProgress, onScored, time }: Omit<Customising, 'onReported'> & Pick<ExpansionObserver, 'onScored'>,
): Promise<void> {
  const { features, externalId, category } = job;
  const modelKey = `${job.id}/${job.token}`;
  const { scores, isScored } = finished;
  const left = [...isScored.keys()].filter((segment) => isScored[segment] === 0);
  let done = isScored.length - left.length;
  await Promise.all(
    left.map(async (segment) => {
      const { begin, pass, end } = time.task();
      const result = await pool.score(
        {
          ...{ kind: 'score', populationVersion: population.version, segment },
          ...{ modelKey, features, externalId, category, ...given },
        },
        { cancellation, onBegin: begin },
      );
      pass('scoring');
      end();
      for (let i = 0; i < result.scores.length; i++) scores[result.userNumbers[i]!] = result.scores[i]!;
      finished.batchSize = result.batchSize;
      isScored[segment] = 1;
      onScored(result.scores.length);
      done += 1;
      onProgress(done / isScored.length);
    }),
  );
}
