/**
 * The thread's side of a `ThreadGroup`. A thread's module calls `hostThread` to run tasks one after another until the
 * group is closed.
 */
import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '../errors.ts';
import { Cancellation } from './cancellation.ts';
import { describeError, type ThreadError } from './thread-error.ts';
import { findThreadId } from './thread-times.ts';

export type ToThread<Task> =
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly task: Task;
      readonly cancelled: SharedArrayBuffer;
      readonly isNearNext: boolean;
    }
  | { readonly kind: 'close' };

export type FromThread<Result, Progress> =
  /** The first message from a thread. `thread` is the operating system's id for the thread; null if unknown. */
  | { readonly kind: 'started'; readonly thread: number | null }
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly error: ThreadError }
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'result'; readonly id: number; readonly result: Result }
  | { readonly kind: 'error'; readonly id: number; readonly error: ThreadError };

/** The context of a task. */
export interface TaskContext<Progress> {
  /** Reports the progress of the task to the caller. */
  report(progress: Progress): void;
  /** Checks whether the task was cancelled. @throws Error if the result is no longer wanted */
  check(): void;
  /** Whether a waiting task has the same `near` as this task. */
  readonly isNearNext: boolean;
}

export interface Host<Task, Result, Progress = never> {
  run(task: Task, context: TaskContext<Progress>): Result | Promise<Result>;
  /** The memory of a result that is transferred without a copy. */
  transferred?(result: Result): ArrayBuffer[];
  close(): void | Promise<void>;
}

/**
 * Opens a host with the group's data, and runs tasks with it. Errors thrown by `open` or by a task are converted by
 * `translate` and reported to the group.
 */
export async function hostThread<Data, Task, Result, Progress = never>(
  open: (data: Data) => Host<Task, Result, Progress> | Promise<Host<Task, Result, Progress>>,
  translate: (error: unknown) => unknown = (error) => error,
): Promise<void> {
  const port = parentPort;
  assert(port, 'this module must run in a thread');
  const send = (message: FromThread<Result, Progress>, transferred: ArrayBuffer[] = []) =>
    port.postMessage(message, transferred);
  send({ kind: 'started', thread: findThreadId() });
  let host: Host<Task, Result, Progress>;
  try {
    host = await open(workerData as Data);
  } catch (error) {
    // the error is not thrown, because the thread's 'error' event would arrive before the message and does not contain
    // the error's code
    send({ kind: 'refused', error: describeError(translate(error)) });
    return;
  }
  // messages are handled one at a time, because a group that is closing sends `close` while a task runs
  let before = Promise.resolve();
  let isFirst = true;
  port.on('message', (message: ToThread<Task>) => {
    before = before.then(async () => {
      if (message.kind === 'close') {
        await host.close();
        port.close();
        return;
      }
      const { id, task, isNearNext } = message;
      const cancellation = new Cancellation(message.cancelled);
      try {
        const result = await host.run(task, {
          report: (progress) => send({ kind: 'progress', id, progress }),
          check: () => cancellation.check(),
          isNearNext,
        });
        send({ kind: 'result', id, result }, host.transferred?.(result));
      } catch (error) {
        send({ kind: 'error', id, error: describeError(translate(error)) });
      }
      // an engine that is killed writes nothing at its end; functions are in the cache once they have run
      if (isFirst) flushCompileCache();
      isFirst = false;
    });
  });
  send({ kind: 'ready' });
}
