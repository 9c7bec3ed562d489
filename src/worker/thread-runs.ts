/** Threads that do one thing, send its result, and end. */
import type { Worker } from 'node:worker_threads';
import { startThreadBeside } from '../lib/entry.ts';
import { restoreError, type ThreadError } from '../lib/thread-error.ts';

/** What such a thread sends. */
export type RunMessage<T> = ({ readonly kind: 'result' } & T) | { readonly kind: 'error'; readonly error: ThreadError };

/** No limit is kept here: who calls it decides how many threads there may be. */
export class ThreadRuns {
  readonly #module: string;
  readonly #running = new Set<Worker>();

  /** `module` lies beside this one. */
  constructor(module: string) {
    this.#module = module;
  }

  /** Starts a thread and waits for what it sends. @throws the error that it sends, or that ended it */
  run<T>(workerData: object): Promise<{ readonly kind: 'result' } & T> {
    const worker = startThreadBeside(import.meta.url, this.#module, { workerData });
    this.#running.add(worker);
    return new Promise((resolve, reject) => {
      worker.once('message', (message: RunMessage<T>) => {
        if (message.kind === 'result') resolve(message);
        else reject(restoreError(message.error));
      });
      worker.once('error', reject);
      worker.once('exit', (code) => {
        this.#running.delete(worker);
        reject(new Error(`${this.#module} ended with code ${code}`));
      });
    });
  }

  /** Ends what is running; its callers get an error. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map((worker) => worker.terminate()));
  }
}
