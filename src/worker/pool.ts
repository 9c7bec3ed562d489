/** The engine's threads: tasks go to whichever is free, first come, first served. */
import type { Worker } from 'node:worker_threads';
import { startThreadBeside } from '../lib/entry.ts';
import { messageOf } from '../lib/errors.ts';
import { restoreError } from '../lib/thread-error.ts';
import type { CustomiseResult, CustomiseTask, ScoreResult, ScoreTask, Task, ThreadMessage } from './messages.ts';
import type { ThreadData } from './thread.ts';

interface Waiting {
  readonly id: number;
  readonly task: Task;
  readonly resolve: (result: CustomiseResult | ScoreResult) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress: (share: number) => void;
}

/** A thread is gone, and with it the trust in this process: it is to end, and whoever started it gives its jobs back. */
export class ThreadDied extends Error {}

export class ThreadPool {
  /** Rejects with ThreadDied when a thread is gone. */
  readonly died: Promise<never>;
  readonly #workers: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting[] = [];
  readonly #running = new Map<Worker, Waiting>();
  #nextId = 1;
  #broken: ThreadDied | null = null;
  #reject: (error: ThreadDied) => void = () => {};

  private constructor() {
    this.died = new Promise((_, reject) => {
      this.#reject = reject;
    });
    this.died.catch(() => {}); // who never asks must not crash by it
  }

  /** Starts `count` threads and waits until each has loaded and verified the model; throws what one of them refuses. */
  static async open(count: number, data: ThreadData): Promise<ThreadPool> {
    const pool = new ThreadPool();
    await Promise.all(
      Array.from({ length: count }, async () => {
        const worker = startThreadBeside(import.meta.url, 'thread', { workerData: data });
        pool.#workers.push(worker);
        await new Promise<void>((resolve, reject) => {
          worker.once('error', reject);
          worker.once('exit', (code) => reject(new Error(`a thread ended with code ${code} before it was ready`)));
          worker.once('message', (message: ThreadMessage) =>
            message.kind === 'refused' ? reject(restoreError(message.error)) : resolve(),
          );
        });
        worker.removeAllListeners('exit').removeAllListeners('error');
        worker.on('message', (message: ThreadMessage) => pool.#receive(worker, message));
        worker.on('error', (error) => pool.#break(error));
        worker.on('exit', (code) => pool.#break(new Error(`a thread ended with code ${code}`)));
        pool.#idle.push(worker);
      }),
    );
    return pool;
  }

  customise(task: CustomiseTask, onProgress: (share: number) => void): Promise<CustomiseResult> {
    return this.#enqueue(task, onProgress) as Promise<CustomiseResult>;
  }

  score(task: ScoreTask): Promise<ScoreResult> {
    return this.#enqueue(task, () => {}) as Promise<ScoreResult>;
  }

  async close(): Promise<void> {
    for (const worker of this.#workers) worker.removeAllListeners('exit');
    this.#break(new Error('the pool is closed'));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #enqueue(task: Task, onProgress: (share: number) => void): Promise<CustomiseResult | ScoreResult> {
    if (this.#broken) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#queue.push({ id: this.#nextId++, task, resolve, reject, onProgress });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#idle.pop()!;
      const waiting = this.#queue.shift()!;
      this.#running.set(worker, waiting);
      worker.postMessage({ id: waiting.id, task: waiting.task });
    }
  }

  #receive(worker: Worker, message: ThreadMessage): void {
    const waiting = this.#running.get(worker);
    if (message.kind === 'ready' || message.kind === 'refused' || waiting?.id !== message.id) return;
    if (message.kind === 'progress') {
      waiting.onProgress(message.share);
      return;
    }
    this.#running.delete(worker);
    this.#idle.push(worker);
    if (message.kind === 'result') waiting.resolve(message.result);
    else waiting.reject(restoreError(message.error));
    this.#dispatch();
  }

  /** A dead thread takes the whole pool with it: the engine ends, and is started again. */
  #break(cause: unknown): void {
    this.#broken ??= new ThreadDied(`a thread of the engine is gone: ${messageOf(cause)}`, { cause });
    this.#reject(this.#broken);
    for (const waiting of [...this.#running.values(), ...this.#queue.splice(0)]) waiting.reject(this.#broken);
    this.#running.clear();
  }
}
