/**
 * A group of identical threads. A free thread first takes urgent tasks, then tasks with the same `near` as its last
 * task, and then the oldest task.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../clock.ts';
import { entryBeside } from '../entry.ts';
import { assert, messageOf } from '../errors.ts';
import { Cancellation } from './cancellation.ts';
import { LOOK_EVERY_MS, Silence } from './silence.ts';
import { restoreError } from './thread-error.ts';
import type { FromThread, ToThread } from './thread-host.ts';
import { readThreadTimes } from './thread-times.ts';

/** A thread's module and its start data. */
export interface ThreadModule {
  /** The `import.meta.url` of a module in the same folder as the thread's module. */
  readonly beside: string;
  readonly name: string;
  readonly data: unknown;
}

/** The maximum silence of a thread during a task or its start, after which the thread counts as dead. */
export interface SilenceLimit {
  readonly clock: Pick<Clock, 'elapsed'>;
  /** Maximum silence in milliseconds. Time in which the thread waits for a processor does not count. */
  readonly mostMs: number;
}

/** Callbacks and cancellation of a task. */
export interface Following<Progress> {
  /** Called when a thread takes the task. */
  readonly onBegin?: () => void;
  readonly onProgress?: (progress: Progress) => void;
  /** Cancels the task. A cancelled task ends with an error the next time its host checks the flag. */
  readonly cancellation?: Cancellation;
}

/** Thrown when a thread has died. The work of its process can no longer be trusted. */
export class ThreadDied extends Error {}

/** Thrown when a thread was silent for longer than its limit. */
export class ThreadSilent extends ThreadDied {}

/** Where a task is placed in the queue, and which threads prefer the task. */
export interface TaskPlace {
  /** A task runs before all waiting tasks with lower urgency. Default: 0. */
  readonly urgency?: number;
  /**
   * A name for tasks that share data. A thread prefers tasks with the same name as its last task, because it can reuse
   * data in memory.
   */
  readonly near?: string | null;
  /**
   * Whether the task runs only if no other task is waiting. If there are several threads, one thread stays free for
   * other tasks.
   */
  readonly isBackground?: boolean;
  /** Memory of the task that moves to the thread instead of being copied. */
  readonly transfer?: readonly ArrayBuffer[];
}

interface Waiting<Task, Result, Progress> extends Following<Progress>, Required<TaskPlace> {
  readonly id: number;
  readonly task: Task;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A group of threads that all run the same module, which calls `hostThread`. The owner must close the group, because
 * its threads keep the process alive.
 */
export class ThreadGroup<Task, Result, Progress = never> {
  /** Rejects with ThreadDied if a thread dies, and with any error thrown while a thread starts. */
  readonly broken: Promise<never>;
  readonly #name: string;
  readonly #workers: Worker[] = [];
  readonly #exits = new Map<Worker, Promise<unknown>>();
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting<Task, Result, Progress>[] = [];
  readonly #background: Waiting<Task, Result, Progress>[] = [];
  readonly #running = new Map<Worker, Waiting<Task, Result, Progress>>();
  /** The measured silence of each thread that is starting or running a task. */
  readonly #silences = new Map<Worker, Silence>();
  /** The operating system's id for each thread. */
  readonly #threads = new Map<Worker, number | null>();
  /** The value of `near` of each thread's last task. */
  readonly #lastNear = new Map<Worker, string | null>();
  #nextId = 1;
  #error: Error | null = null;
  #isClosing = false;
  #limit: SilenceLimit | null = null;
  #looking: NodeJS.Timeout | null = null;
  #breakPromise: (error: Error) => void = () => {};

  /** Starts `count` threads. `limit` has the same meaning as in `open`. Tasks wait until a thread is ready. */
  constructor({ beside, name, data }: ThreadModule, count = 1, limit: SilenceLimit | null = null) {
    this.#name = name;
    this.broken = new Promise((_, reject) => {
      this.#breakPromise = reject;
    });
    this.broken.catch(() => {}); // an unobserved rejection must not crash the process
    for (let i = 0; i < count; i++) this.#follow(new Worker(entryBeside(beside, name), { workerData: data }));
    if (limit !== null) this.#limitSilence(limit);
  }

  /**
   * Starts threads and waits until all are ready. Rethrows an error thrown while a thread starts. A thread that is
   * silent for longer than `limit` breaks the group, but keeps running until the process ends.
   */
  static async open<Task, Result, Progress = never>(
    module: ThreadModule,
    count: number,
    limit: SilenceLimit | null = null,
  ): Promise<ThreadGroup<Task, Result, Progress>> {
    const group = new ThreadGroup<Task, Result, Progress>(module, count, limit);
    try {
      await Promise.race([group.#opened(), group.broken]);
      return group;
    } catch (error) {
      await group.close();
      throw error;
    }
  }

  /**
   * Runs a task. If a thread dies, all current and future tasks fail.
   * @throws any error that the task throws, or the error of `broken`
   */
  run(
    task: Task,
    following: Following<Progress> = {},
    { urgency = 0, near = null, isBackground = false, transfer = [] }: TaskPlace = {},
  ): Promise<Result> {
    assert(!this.#isClosing, 'the group of threads is open');
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      const place = { urgency, near, isBackground, transfer };
      const waiting = { id: this.#nextId++, task, ...place, ...following, resolve, reject };
      const queue = isBackground ? this.#background : this.#queue;
      const first = queue.findIndex((other) => other.urgency < urgency);
      queue.splice(first < 0 ? queue.length : first, 0, waiting);
      this.#dispatch();
    });
  }

  /** Number of idle threads for which no task is waiting. */
  get idle(): number {
    return Math.max(0, this.#idle.length - this.#queue.length);
  }

  /**
   * Runs tasks, and returns their results in the order of the tasks. The promise settles when all tasks have finished
   * or failed.
   * @throws the error of the first failed task
   */
  async runAll(tasks: readonly Task[]): Promise<Result[]> {
    const results = tasks.map((task) => this.run(task));
    await Promise.allSettled(results);
    return Promise.all(results);
  }

  /**
   * Ends each thread after its current task, because terminating a thread during an ONNX Runtime run aborts the whole
   * process.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#looking) clearInterval(this.#looking);
    for (const worker of this.#workers) worker.postMessage({ kind: 'close' } satisfies ToThread<Task>);
    await Promise.all(this.#exits.values());
  }

  /** Ends all threads at once; their tasks end with an error. The threads must not use ONNX Runtime. */
  async terminate(): Promise<void> {
    this.#isClosing = true;
    if (this.#looking) clearInterval(this.#looking);
    this.#break(new ThreadDied(`the threads (${this.#name}) are closed`));
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  #follow(worker: Worker): void {
    const died = (cause: unknown) =>
      this.#break(new ThreadDied(`a thread (${this.#name}) died: ${messageOf(cause)}`, { cause }));
    this.#workers.push(worker);
    worker.on('error', died);
    this.#exits.set(
      worker,
      new Promise((ended) => {
        worker.on('exit', (code) => {
          ended(code);
          if (!this.#isClosing) died(new Error(`the thread ended with code ${code}`));
        });
      }),
    );
    worker.on('message', (message: FromThread<Result, Progress>) => this.#receive(worker, message));
  }

  #receive(worker: Worker, message: FromThread<Result, Progress>): void {
    this.#silences.get(worker)?.sign();
    if (message.kind === 'started') this.#threads.set(worker, message.thread);
    else if (message.kind === 'refused') this.#break(restoreError(message.error));
    else if (message.kind === 'ready') this.#free(worker);
    else {
      const waiting = this.#running.get(worker);
      if (waiting?.id !== message.id) return;
      if (message.kind === 'progress') {
        waiting.onProgress?.(message.progress);
        return;
      }
      this.#running.delete(worker);
      if (message.kind === 'result') waiting.resolve(message.result);
      else waiting.reject(restoreError(message.error));
      this.#free(worker);
    }
  }

  #free(worker: Worker): void {
    this.#silences.delete(worker);
    this.#idle.push(worker);
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#idle.length > 0 && (this.#queue.length > 0 || this.#mayWorkInBackground())) {
      const worker = this.#idle.pop()!;
      const waiting = this.#queue.length > 0 ? this.#takeFor(worker) : this.#background.shift()!;
      this.#running.set(worker, waiting);
      this.#measure(worker);
      const { id, task, near, transfer, onBegin, cancellation = new Cancellation() } = waiting;
      onBegin?.();
      this.#lastNear.set(worker, near);
      const isNearNext = near !== null && this.#queue.some((other) => other.near === near);
      const cancelled = cancellation.memory;
      worker.postMessage({ kind: 'run', id, task, cancelled, isNearNext } satisfies ToThread<Task>, transfer);
    }
  }

  #mayWorkInBackground(): boolean {
    const busy = [...this.#running.values()].filter(({ isBackground }) => isBackground).length;
    return this.#background.length > 0 && busy < Math.max(1, this.#workers.length - 1);
  }

  #takeFor(worker: Worker): Waiting<Task, Result, Progress> {
    const last = this.#lastNear.get(worker) ?? null;
    const isAny = last === null || this.#queue[0]!.urgency > 0;
    const near = isAny ? -1 : this.#queue.findIndex((waiting) => waiting.near === last);
    return this.#queue.splice(Math.max(near, 0), 1)[0]!;
  }

  #break(error: Error): void {
    this.#error ??= error;
    this.#breakPromise(this.#error);
    for (const waiting of [...this.#running.values(), ...this.#queue.splice(0), ...this.#background.splice(0)])
      waiting.reject(this.#error);
    this.#running.clear();
    this.#silences.clear();
  }

  #limitSilence(limit: SilenceLimit): void {
    this.#limit = limit;
    for (const worker of this.#workers) this.#measure(worker);
    this.#looking = setInterval(() => this.#lookForSilence(limit), LOOK_EVERY_MS);
    this.#looking.unref();
  }

  #measure(worker: Worker): void {
    if (this.#limit === null) return;
    const read = () => {
      const thread = this.#threads.get(worker) ?? null;
      return thread === null ? null : readThreadTimes(process.pid, thread);
    };
    this.#silences.set(worker, new Silence(this.#limit.clock.elapsed(), read));
  }

  #lookForSilence({ clock, mostMs }: SilenceLimit): void {
    for (const [worker, silence] of this.#silences) {
      silence.look(clock.elapsed());
      if (silence.silentMs < mostMs) continue;
      this.#exits.delete(worker); // no caller must wait for the exit of a silent thread
      const what = `has been silent for ${Math.round(mostMs / 1000)} s during a task`;
      this.#break(new ThreadSilent(`a thread (${this.#name}) ${what}`));
      return;
    }
  }

  /** Resolves when all threads have reported that they are ready. */
  #opened(): Promise<unknown> {
    return Promise.all(
      this.#workers.map(
        (worker) =>
          new Promise<void>((resolve) => {
            worker.on('message', ({ kind }: FromThread<Result, Progress>) => kind === 'ready' && resolve());
          }),
      ),
    );
  }
}
