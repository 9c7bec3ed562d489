/** Threads for a single task each, which are started for it and ended after it to free their memory. */
import { systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type SilenceLimit, ThreadGroup, type ThreadModule, ThreadSilent } from './thread-group.ts';

/** Maximum time of a task before its caller gets an error: a hang must not block a request forever. */
export const TASK_LIMIT: SilenceLimit = { clock: systemClock, mostMs: 600_000 };

/** The number of threads is not limited here: the caller decides. */
export class SingleTaskThreads<Task, Result> {
  readonly #module: ThreadModule;
  readonly #limit: SilenceLimit;
  readonly #open = new Set<ThreadGroup<Task, Result>>();

  constructor(module: ThreadModule, limit = TASK_LIMIT) {
    this.#module = module;
    this.#limit = limit;
  }

  /**
   * @throws AppError unavailable (the task took too long and was ended); what the task throws, and what ended its
   * thread
   */
  async run(task: Task): Promise<Result> {
    const group = new ThreadGroup<Task, Result>(this.#module, 1, this.#limit);
    this.#open.add(group);
    let end = () => group.close();
    try {
      return await group.run(task);
    } catch (error) {
      if (!(error instanceof ThreadSilent)) throw error;
      end = () => group.terminate();
      const seconds = Math.round(this.#limit.mostMs / 1000);
      throw new AppError('unavailable', `the task was not done within ${seconds} s and was ended`, { cause: error });
    } finally {
      void end().finally(() => this.#open.delete(group));
    }
  }

  /** Ends running tasks; their callers get an error. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((group) => group.terminate()));
  }
}
