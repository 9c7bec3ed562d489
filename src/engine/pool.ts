/** The engine's threads. Each thread adapts and scores, one task at a time. */

import { emptied, newSharedBody, type SharedBody } from '../../packages/onnx-grad/index.ts';
import type { ComputedWith } from '../domain/run-facts.ts';
import { systemClock } from '../lib/clock.ts';
import { assert } from '../lib/errors.ts';
import { Cancellation } from '../lib/threads/cancellation.ts';
import { type Following, ThreadGroup } from '../lib/threads/thread-group.ts';
import type { Drift } from '../model/manifest.ts';
import { reportHeads } from '../online/customise-heads.ts';
import { joinFolds, PARTS } from '../online/quality/seed-ranks.ts';
import type { Rows } from '../population/read.ts';
import type { Rehearsal } from './rehearsal.ts';
import type {
  AdaptedParameters,
  CustomiseProgress,
  CustomiseResult,
  CustomiseTask,
  PreparedUserSides,
  PrepareUserSidesTask,
  RankResult,
  RestoreResult,
  RestoreTask,
  ScoreResult,
  ScoreTask,
  Task,
  TestResult,
  ThreadData,
  ThreadResult,
  UserSideResult,
  UserSideTask,
} from './thread-tasks.ts';

/**
 * Campaigns share passes over the population only if their adapted parameters are at most this large. Larger sets of
 * parameters take too long to exchange at every segment.
 */
const MAXIMUM_SHARING_BYTES = 2 ** 20;

/**
 * Maximum silence of a thread, after which it counts as hung. The longest step without progress, a regression's first
 * pass over a population, takes half a minute for 10 million users.
 */
export const SILENCE_LIMIT = { clock: systemClock, mostMs: 600_000 };

/**
 * Urgency of tasks. Adaptations run before segments, because the segments of a large population keep the threads busy
 * for a long time. The check of a model runs before all expansions, because somebody is waiting for it.
 */
export const URGENCY = { rehearsal: -1, segment: 0, adaptation: 1, check: 2 } as const;

/** Threads divide the runs of the body only if the body's values for all rows take at most this much memory. */
const MAXIMUM_BODY_BYTES = 2 ** 28;
/** The folds that the adapting thread ranks. A thread that need not adapt ranks the other folds. */
const OWN_FOLDS = [0, 1];
const OTHER_FOLDS = Array.from({ length: PARTS - OWN_FOLDS.length }, (_, i) => OWN_FOLDS.length + i);

/** The properties of a model that the quality report needs. */
export interface ReportedModel {
  /** Whether two threads may divide the folds of the seeds between them, which requires gradient descent. */
  readonly isInFolds: boolean;
  readonly drift: Drift | undefined;
}

type CustomiseFollowing = Following<number | AdaptedParameters> & {
  readonly onRanks?: (isBeginning: boolean) => void;
};

const WHOLE: ReportedModel = { isInFolds: false, drift: undefined };

export class ThreadPool {
  /**
   * Rejects with ThreadDied if a thread dies. The process can no longer be trusted then, so it ends, and its jobs are
   * released.
   */
  readonly broken: Promise<never>;
  /** The device of the threads, and the number of threads. */
  readonly computedWith: Pick<ComputedWith, 'device' | 'threads'>;
  /**
   * The sha256 of the scores that this processor computes for the model's golden batch. Work of different engines is
   * combined only if they compute the same bits.
   */
  readonly goldenSha256: string;
  readonly #group: ThreadGroup<Task, ThreadResult, CustomiseProgress>;
  readonly #report: ReportedModel;
  /** Number of adaptations that run or wait. */
  #adapting = 0;
  /** Ends the running rehearsal for work on a population version; null if there is none. */
  #overtake: ((populationVersion: string) => Promise<void>) | null = null;
  /** The population version of the last adaptation. */
  #adaptedOn: string | null = null;
  /** Unused memory of earlier campaigns, which is kept because three isolates would have to free it. */
  readonly #bodies: SharedBody[] = [];

  private constructor(
    group: ThreadGroup<Task, ThreadResult, CustomiseProgress>,
    computedWith: Pick<ComputedWith, 'device' | 'threads'>,
    { sha256 }: TestResult,
    report: ReportedModel,
  ) {
    this.#report = report;
    this.broken = group.broken;
    this.computedWith = computedWith;
    this.goldenSha256 = sha256;
    this.#group = group;
  }

  /**
   * Starts `count` threads. Resolves once all threads have loaded and verified the model, and one thread has expanded a
   * campaign of made-up users with it. Throws if a thread refuses the model.
   */
  static async open(
    count: number,
    data: Omit<ThreadData, 'threads'>,
    report: ReportedModel = WHOLE,
  ): Promise<ThreadPool> {
    const group = await ThreadGroup.open<Task, ThreadResult, CustomiseProgress>(
      { beside: import.meta.url, name: 'thread', data: { ...data, threads: count } },
      count,
      SILENCE_LIMIT,
    );
    try {
      const tested = (await group.run({ kind: 'test' }, {})) as TestResult;
      return new ThreadPool(group, { device: data.device, threads: count }, tested, report);
    } catch (error) {
      await group.close();
      throw error;
    }
  }

  /** Ends each thread after its current task. */
  close(): Promise<void> {
    return this.#group.close();
  }

  /** Whether adaptations take all threads, or will: a segment would wait until one of them has ended. */
  get isAdapting(): boolean {
    return this.#adapting >= this.computedWith.threads;
  }

  /**
   * Progress is from 0 to 1. If another thread is idle, it ranks some of the folds at the same time; `onRanks` is
   * called when it begins and when it ends.
   */
  async customise(
    task: CustomiseTask,
    following: CustomiseFollowing,
    urgency: number = URGENCY.adaptation,
  ): Promise<CustomiseResult> {
    this.#adapting += 1;
    try {
      this.#adaptedOn = task.populationVersion;
      await this.#overtake?.(task.populationVersion);
      return await this.#customise(task, following, urgency);
    } finally {
      this.#adapting -= 1;
    }
  }

  /**
   * Runs a made-up campaign, so that code is compiled, files are read, and the regression's sums over all users are
   * computed before the first real campaign. A real campaign ends the rehearsal, once the sums are computed if it needs
   * them too. Returns false if a campaign on another population version was in the way, so that it has to be repeated.
   * @throws the errors of `customise` and `score`, except after a real campaign has begun
   */
  async rehearse({ task, scoring, segments }: Rehearsal): Promise<boolean> {
    const { populationVersion } = task;
    if (this.#adaptedOn === populationVersion) return true;
    if (this.#adapting > 0) return false;
    const cancellation = new Cancellation();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const onProgress = () => begin();
    const [following, urgency] = [{ cancellation, onProgress, onRanks: onProgress }, URGENCY.rehearsal];
    const running = this.#customise(task, following, urgency).then(({ parameters }) =>
      Promise.all(
        segments.map((segment) => this.#group.run({ ...scoring, parameters, segment }, { cancellation }, { urgency })),
      ),
    );
    const ended = running.then(onProgress, onProgress);
    this.#overtake = async (version) => {
      if (version === populationVersion) await begun;
      cancellation.cancel();
      if (version === populationVersion) await ended;
    };
    try {
      await running;
      return true;
    } catch (error) {
      if (!cancellation.isCancelled) throw error;
      return this.#adaptedOn === populationVersion;
    } finally {
      this.#overtake = null;
    }
  }

  async #customise(
    task: CustomiseTask,
    { onProgress = () => {}, onRanks = () => {}, ...following }: CustomiseFollowing,
    urgency: number,
  ): Promise<CustomiseResult> {
    const adapt = (own: CustomiseTask, onRows: (rows: Rows) => void = () => {}) =>
      this.#group.run(
        own,
        { ...following, onProgress: (told) => (isRows(told) ? onRows(told.rows) : onProgress(told)) },
        { urgency },
      ) as Promise<CustomiseResult>;
    if (!this.#report.isInFolds || this.#group.idle < 2) return adapt(task);
    const body = this.#bodies.pop() ?? newSharedBody(MAXIMUM_BODY_BYTES);
    const { cancellation } = following;
    let ranking: Promise<RankResult> | null = null;
    const customised = await adapt({ ...task, body, folds: OWN_FOLDS }, (read) => {
      ranking = this.#group.run(
        { ...task, kind: 'rank', read, body, folds: OTHER_FOLDS },
        { ...(cancellation && { cancellation }), onBegin: () => onRanks(true) },
        { transfer: buffersOf(read), urgency: urgency === URGENCY.check ? urgency : URGENCY.segment },
      ) as Promise<RankResult>;
      ranking.then(
        () => onRanks(false),
        () => {},
      );
    });
    assert(ranking !== null, 'the adapting thread has read its rows');
    const { folds } = await (ranking as Promise<RankResult>);
    // both threads have finished with `body`; after an error, one thread might still use it, so it is not kept
    this.#bodies.push(emptied(body));
    const ranks = joinFolds([...customised.folds, ...folds]);
    return { ...customised, folds: [], ...copied(reportHeads(ranks, task, this.#report.drift)) };
  }

  /** Restores an adapted model. Like an adaptation, the task runs before all waiting segments. */
  restore(task: RestoreTask, following: Pick<Following<never>, 'cancellation' | 'onBegin'>): Promise<RestoreResult> {
    return this.#group.run(task, following, { urgency: URGENCY.adaptation }) as Promise<RestoreResult>;
  }

  /**
   * Scores a segment. If campaigns with few adapted parameters wait for the same segment, they share the results that
   * depend only on users.
   */
  score(
    task: ScoreTask,
    following: Pick<Following<never>, 'cancellation' | 'onBegin'>,
    urgency: number = URGENCY.segment,
  ): Promise<ScoreResult> {
    void this.#overtake?.(task.populationVersion);
    const bytes = task.parameters.reduce((sum, { data }) => sum + data.byteLength, 0);
    const near = bytes <= MAXIMUM_SHARING_BYTES ? `${task.populationVersion}/${task.segment}` : null;
    return this.#group.run(task, following, { near, urgency }) as Promise<ScoreResult>;
  }

  /** In the background, the task runs only while no other task waits. @throws AppError storage_failed, unavailable */
  prepareUserSides(
    task: PrepareUserSidesTask,
    { isBackground }: { readonly isBackground: boolean },
  ): Promise<PreparedUserSides> {
    return this.#group.run(task, {}, { isBackground }) as Promise<PreparedUserSides>;
  }

  /** In the background, the task runs only while no other task waits. @throws AppError storage_failed, unavailable */
  makeUserSide(
    task: UserSideTask,
    { isBackground }: { readonly isBackground: boolean } = { isBackground: true },
  ): Promise<UserSideResult> {
    return this.#group.run(task, {}, { isBackground }) as Promise<UserSideResult>;
  }
}

function buffersOf({ userNumbers, columns }: Rows): ArrayBuffer[] {
  const arrays = [...columns.values()].flatMap((column) => Object.values(column).filter(ArrayBuffer.isView));
  return [...new Set([userNumbers, ...arrays].map(({ buffer }) => buffer as ArrayBuffer))];
}

function isRows(told: CustomiseProgress): told is { readonly rows: Rows } {
  return typeof told === 'object' && 'rows' in told;
}

/** Plain objects, as they come from a thread. */
function copied({ quality, prediction }: ReturnType<typeof reportHeads>) {
  return { quality: quality && { ...quality }, prediction: prediction && { ...prediction } };
}
