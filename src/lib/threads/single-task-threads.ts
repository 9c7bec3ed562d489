/** Runs each task in its own thread, which is started for the task and ended afterwards to free its memory. */
import { systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type SilenceLimit, ThreadGroup, type ThreadModule, ThreadSilent } from './thread-group.ts';

/** Time limit for a task, after which its caller gets an error. A task that hangs must not block a request forever. */
export const TASK_LIMIT: SilenceLimit = { clock: systemClock, mostMs: 600_000 };

/** Runs tasks in threads. The caller must limit the number of threads. */
export class SingleTaskThreads<Task, Result> {
  readonly #module: ThreadModule;
  readonly #limit: SilenceLimit;
  readonly #open = new Set<ThreadGroup<Task, Result>>();

  constructor(module: ThreadModule, limit = TASK_LIMIT) {
    this.#module = module;
    this.#limit = limit;
  }

  /**
   * Runs a task in a new thread.
   * @throws AppError unavailable if the task took too long and was ended; any error of the task or of its thread
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
      throw new AppError('unavailable', `the task did not finish within ${seconds} s and was ended`, { cause: error });
    } finally {
      void end().finally(() => this.#open.delete(group));
    }
  }

  /** Ends all running tasks; their callers get an error. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((group) => group.terminate()));
  }
}
