/** Threads for a single task each, started for it and ended after it, so that their memory is freed. */
import { ThreadGroup, type ThreadModule } from './thread-group.ts';

/** There is no limit here: the caller decides how many threads there may be. */
export class SingleTaskThreads<Task, Result> {
  readonly #module: ThreadModule;
  readonly #open = new Set<ThreadGroup<Task, Result>>();

  constructor(module: ThreadModule) {
    this.#module = module;
  }

  /** @throws what the task throws, and what ended its thread */
  async run(task: Task): Promise<Result> {
    const group = new ThreadGroup<Task, Result>(this.#module);
    this.#open.add(group);
    try {
      return await group.run(task);
    } finally {
      void group.close().finally(() => this.#open.delete(group));
    }
  }

  /** Ends running tasks; their callers get an error. */
  async close(): Promise<void> {
    await Promise.all([...this.#open].map((group) => group.terminate()));
  }
}
