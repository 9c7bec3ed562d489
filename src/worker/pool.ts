/** The engine's threads, which adapt and score one task at a time each. */
import type { Cancellation } from '../lib/cancellation.ts';
import { type Following, ThreadDied, ThreadGroup } from '../lib/thread-group.ts';
import type {
  CustomiseProgress,
  CustomiseResult,
  CustomiseTask,
  ScoredModel,
  ScoreResult,
  ScoreTask,
  Task,
} from './messages.ts';
import type { ThreadData } from './thread.ts';

export interface ScoredSegment {
  readonly userNumbers: Int32Array;
  readonly scores: Float32Array;
}

/** A model that waits for a segment. */
interface Asked {
  readonly model: ScoredModel;
  readonly cancellation: Cancellation | undefined;
  readonly resolve: (scored: ScoredSegment) => void;
  readonly reject: (error: unknown) => void;
}

export class ThreadPool {
  /**
   * Rejects with ThreadDied when a thread is gone: this process can then no longer be trusted, and ends, which releases
   * its jobs.
   */
  readonly broken: Promise<never>;
  readonly #group: ThreadGroup<Task, CustomiseResult | ScoreResult, CustomiseProgress>;

  /** By population version and segment. */
  readonly #waiting = new Map<string, Asked[]>();

  private constructor(group: ThreadGroup<Task, CustomiseResult | ScoreResult, CustomiseProgress>) {
    this.broken = group.broken;
    this.#group = group;
  }

  /**
   * Starts `count` threads and waits until each has loaded and verified the model; throws if one of them refuses it.
   */
  static async open(count: number, data: ThreadData): Promise<ThreadPool> {
    return new ThreadPool(await ThreadGroup.open({ beside: import.meta.url, name: 'thread', data }, count));
  }

  /** Ends the threads, each after its task. */
  close(): Promise<void> {
    return this.#group.close();
  }

  /** Progress is from 0 to 1. */
  customise(task: CustomiseTask, following: Following<CustomiseProgress>): Promise<CustomiseResult> {
    return this.#group.run(task, following) as Promise<CustomiseResult>;
  }

  /**
   * The scores of one model for the users of a segment. Models that wait for the same segment when a thread becomes
   * free for it are scored together, which computes once what they share.
   */
  score(
    { populationVersion, segment, model }: { populationVersion: string; segment: number; model: ScoredModel },
    { cancellation }: Pick<Following<never>, 'cancellation'>,
  ): Promise<ScoredSegment> {
    const key = `${populationVersion}/${segment}`;
    return new Promise((resolve, reject) => {
      const asked = { model, cancellation, resolve, reject };
      const waiting = this.#waiting.get(key);
      if (waiting) {
        waiting.push(asked);
        return;
      }
      this.#waiting.set(key, [asked]);
      void this.#scoreTogether(key, populationVersion, segment);
    });
  }

  async #scoreTogether(key: string, populationVersion: string, segment: number): Promise<void> {
    let together: Asked[] = [];
    const taskOf = (asked: readonly Asked[]) =>
      ({ kind: 'score', populationVersion, segment, models: asked.map(({ model }) => model) }) as const;
    try {
      const { userNumbers, scores } = (await this.#group.runLate(() => {
        together = this.#take(key);
        return taskOf(together);
      })) as ScoreResult;
      for (const [i, { resolve }] of together.entries()) resolve({ userNumbers, scores: scores[i]! });
    } catch (error) {
      // a thread that dies before it is free for this leaves them waiting
      for (const { reject } of this.#take(key)) reject(error);
      if (together.length < 2 || error instanceof ThreadDied) for (const { reject } of together) reject(error);
      else for (const one of together) void this.#scoreAlone(one, taskOf([one]));
    }
  }

  /** After an error of several models together: it is that of the model alone. */
  async #scoreAlone({ resolve, reject }: Asked, task: ScoreTask): Promise<void> {
    try {
      const { userNumbers, scores } = (await this.#group.run(task)) as ScoreResult;
      resolve({ userNumbers, scores: scores[0]! });
    } catch (error) {
      reject(error);
    }
  }

  /** Those who wait for a segment and still want it. */
  #take(key: string): Asked[] {
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return waiting.filter(({ cancellation, reject }) => {
      try {
        cancellation?.check();
        return true;
      } catch (error) {
        reject(error);
        return false;
      }
    });
  }
}
