/** The engine's threads. Each thread adapts and scores, one task at a time. */
import type { ComputedWith } from '../domain/run-facts.ts';
import { systemClock } from '../lib/clock.ts';
import { type Following, ThreadGroup } from '../lib/threads/thread-group.ts';
import type {
  CustomiseProgress,
  CustomiseResult,
  CustomiseTask,
  RestoreResult,
  RestoreTask,
  ScoreResult,
  ScoreTask,
  Task,
  ThreadData,
  ThreadResult,
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

export class ThreadPool {
  /**
   * Rejects with ThreadDied if a thread dies. The process can no longer be trusted then, so it ends, and its jobs are
   * released.
   */
  readonly broken: Promise<never>;
  /** The device of the threads, and the number of threads. */
  readonly computedWith: Pick<ComputedWith, 'device' | 'threads'>;
  readonly #group: ThreadGroup<Task, ThreadResult, CustomiseProgress>;

  private constructor(
    group: ThreadGroup<Task, ThreadResult, CustomiseProgress>,
    computedWith: Pick<ComputedWith, 'device' | 'threads'>,
  ) {
    this.broken = group.broken;
    this.computedWith = computedWith;
    this.#group = group;
  }

  /**
   * Starts `count` threads. Resolves once all threads have loaded and verified the model, and one thread has expanded a
   * campaign of made-up users with it. Throws if a thread refuses the model.
   */
  static async open(count: number, data: Omit<ThreadData, 'threads'>): Promise<ThreadPool> {
    const group = await ThreadGroup.open<Task, ThreadResult, CustomiseProgress>(
      { beside: import.meta.url, name: 'thread', data: { ...data, threads: count } },
      count,
      SILENCE_LIMIT,
    );
    try {
      await group.run({ kind: 'test' }, {});
    } catch (error) {
      await group.close();
      throw error;
    }
    return new ThreadPool(group, { device: data.device, threads: count });
  }

  /** Ends each thread after its current task. */
  close(): Promise<void> {
    return this.#group.close();
  }

  /**
   * Adapts a model, and reports progress from 0 to 1. The task runs before all waiting segments, because the segments
   * of a large population keep the threads busy for a long time.
   */
  customise(task: CustomiseTask, following: Following<CustomiseProgress>): Promise<CustomiseResult> {
    return this.#group.run(task, following, { isUrgent: true }) as Promise<CustomiseResult>;
  }

  /** Restores an adapted model. Like an adaptation, the task runs before all waiting segments. */
  restore(task: RestoreTask, { cancellation }: Pick<Following<never>, 'cancellation'>): Promise<RestoreResult> {
    return this.#group.run(task, cancellation ? { cancellation } : {}, { isUrgent: true }) as Promise<RestoreResult>;
  }

  /**
   * Scores a segment. If campaigns with few adapted parameters wait for the same segment, they share the results that
   * depend only on users.
   */
  score(task: ScoreTask, following: Pick<Following<never>, 'cancellation' | 'onBegin'>): Promise<ScoreResult> {
    const bytes = task.parameters.reduce((sum, { data }) => sum + data.byteLength, 0);
    const near = bytes <= MAXIMUM_SHARING_BYTES ? `${task.populationVersion}/${task.segment}` : null;
    return this.#group.run(task, following, { near }) as Promise<ScoreResult>;
  }
}
