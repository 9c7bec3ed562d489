/** Threads for a single task each, started for it and ended after it, so that their memory is freed. */
import { systemClock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { type SilenceLimit, ThreadGroup, type ThreadModule, ThreadSilent } from './thread-group.ts';

/** How long a task may take before its caller is answered: a hang must not hang a request for ever. */
export const TASK_LIMIT: SilenceLimit = { clock: systemClock, mostMs: 600_000 };

/** There is no limit of their number here: the caller decides how many threads there may be. */
export class SingleTaskThreads<Task, Result> {
  readonly #module: ThreadModule;
  readonly #limit: SilenceLimit;
  readonly #open = new Set<ThreadGroup<Task, Result>>();

  constructor(module: ThreadModule, limit = TASK_LIMIT) {
    this.#module = module;
    this.#limit = limit;
  }

  /** @throws AppError unavailable (it took too long, and was ended); what the task throws, and what ended its thread */
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
      throw new AppError('unavailable', `it was not done within ${seconds} s, and was given up`, { cause: error });
    } finally {
      void end().finally(() => this.#open.delete(group));
    }
  }

  /** Ends running tasks; their callers get an error. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((group) => group.terminate()));
  }
}
