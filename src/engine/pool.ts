/** The engine's threads, which adapt and score one task at a time each. */
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

/** More adapted parameters take too long to be exchanged for those of another campaign at every segment. */
const MAXIMUM_SHARING_BYTES = 2 ** 20;

/**
 * A thread that is silent for longer hangs: the longest task without progress, a regression's first pass over a
 * population, takes half a minute for 10 million users.
 */
export const SILENCE_LIMIT = { clock: systemClock, mostMs: 600_000 };

export class ThreadPool {
  /**
   * Rejects with ThreadDied when a thread is gone: this process can then no longer be trusted, and ends, which releases
   * its jobs.
   */
  readonly broken: Promise<never>;
  /** What its threads run on, and how many there are. */
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
   * Starts `count` threads and waits until each has loaded and verified the model, and one of them has expanded a
   * campaign of made-up users with it; throws if one of them refuses it.
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

  /** Ends the threads, each after its task. */
  close(): Promise<void> {
    return this.#group.close();
  }

  /**
   * Progress is from 0 to 1. Goes before all segments that wait to be scored: those of a large population keep the
   * threads busy for long.
   */
  customise(task: CustomiseTask, following: Following<CustomiseProgress>): Promise<CustomiseResult> {
    return this.#group.run(task, following, { isUrgent: true }) as Promise<CustomiseResult>;
  }

  /** Goes before all segments, as an adaptation does. */
  restore(task: RestoreTask, { cancellation }: Pick<Following<never>, 'cancellation'>): Promise<RestoreResult> {
    return this.#group.run(task, cancellation ? { cancellation } : {}, { isUrgent: true }) as Promise<RestoreResult>;
  }

  /** Campaigns with few adapted parameters share what depends on users alone, where their segments wait together. */
  score(task: ScoreTask, following: Pick<Following<never>, 'cancellation' | 'onBegin'>): Promise<ScoreResult> {
    const bytes = task.parameters.reduce((sum, { data }) => sum + data.byteLength, 0);
    const near = bytes <= MAXIMUM_SHARING_BYTES ? `${task.populationVersion}/${task.segment}` : null;
    return this.#group.run(task, following, { near }) as Promise<ScoreResult>;
  }
}
