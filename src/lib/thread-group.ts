/** A group of equal threads that a caller shares tasks out to; their results come back in the order of the tasks. */
import type { Worker } from 'node:worker_threads';
import { startThreadBeside } from './entry.ts';
import { assert, messageOf } from './errors.ts';
import { restoreError } from './thread-error.ts';
import type { FromThread, ToThread } from './thread-host.ts';

interface Waiting<Task> {
  readonly id: number;
  readonly task: Task;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** The threads run a module that calls `hostThread`. Who opens a group closes it: its threads keep the process alive. */
export class ThreadGroup<Task, Result> {
  readonly #workers: Worker[] = [];
  readonly #exits: Promise<unknown>[] = [];
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting<Task>[] = [];
  readonly #running = new Map<Worker, Waiting<Task>>();
  #nextId = 1;
  #broken: Error | null = null;
  #isClosing = false;

  private constructor() {}

  /** Starts `count` threads of the module `name` beside the module whose `import.meta.url` is given; throws what one of them throws while it opens. */
  static async open<Task, Result>(
    importMetaUrl: string,
    name: string,
    count: number,
    data: unknown,
  ): Promise<ThreadGroup<Task, Result>> {
    const group = new ThreadGroup<Task, Result>();
    const opening = Array.from({ length: count }, () => group.#start(importMetaUrl, name, data));
    const refused = (await Promise.allSettled(opening)).find((outcome) => outcome.status === 'rejected');
    if (!refused) return group;
    await group.close();
    throw refused.reason;
  }

  /** All tasks are done or refused when this settles; it throws what the first of them threw. A thread that dies fails them all, and all to come. */
  async run(tasks: readonly Task[]): Promise<Result[]> {
    assert(!this.#isClosing, 'the group of threads is open');
    if (this.#broken) throw this.#broken;
    const results = tasks.map(
      (task) =>
        new Promise<unknown>((resolve, reject) => {
          this.#queue.push({ id: this.#nextId++, task, resolve, reject });
        }),
    );
    this.#dispatch();
    await Promise.allSettled(results);
    return (await Promise.all(results)) as Result[];
  }

  /**
   * Ends the threads, each after the task that it is at: a thread that is taken away under a run of ONNX Runtime aborts the whole process.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const worker of this.#workers) worker.postMessage({ kind: 'close' } satisfies ToThread<Task>);
    await Promise.all(this.#exits);
  }

  #start(importMetaUrl: string, name: string, data: unknown): Promise<void> {
    const worker = startThreadBeside(importMetaUrl, name, { workerData: data });
    this.#workers.push(worker);
    return new Promise<void>((resolve, reject) => {
      const broken = (cause: unknown) => {
        this.#break(name, cause);
        reject(this.#broken);
      };
      worker.on('error', broken);
      this.#exits.push(
        new Promise((ended) => {
          worker.on('exit', (code) => {
            ended(code);
            if (!this.#isClosing) broken(new Error(`it ended with code ${code}`));
          });
        }),
      );
      worker.on('message', (message: FromThread) => {
        if (message.kind === 'refused') reject(restoreError(message.error));
        else if (message.kind === 'ready') {
          this.#idle.push(worker);
          resolve();
        } else this.#receive(worker, message);
      });
    });
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#idle.pop()!;
      const waiting = this.#queue.shift()!;
      this.#running.set(worker, waiting);
      const { id, task } = waiting;
      worker.postMessage({ kind: 'run', id, task } satisfies ToThread<Task>);
    }
  }

  #receive(worker: Worker, message: Extract<FromThread, { id: number }>): void {
    const waiting = this.#running.get(worker);
    if (waiting?.id !== message.id) return;
    this.#running.delete(worker);
    this.#idle.push(worker);
    if (message.kind === 'result') waiting.resolve(message.result);
    else waiting.reject(restoreError(message.error));
    this.#dispatch();
  }

  #break(name: string, cause: unknown): void {
    this.#broken ??= new Error(`a thread (${name}) is gone: ${messageOf(cause)}`, { cause });
    for (const waiting of [...this.#running.values(), ...this.#queue.splice(0)]) waiting.reject(this.#broken);
    this.#running.clear();
  }
}
