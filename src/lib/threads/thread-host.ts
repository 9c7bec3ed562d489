/** The other side of a `ThreadGroup`: a thread's module calls it to run tasks one after another until it is closed. */
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
  /** The first message; `thread` is the system's id of the thread, null if it has none. */
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
  /** @throws Error once the result is no longer wanted */
  check(): void;
  /** Whether another waiting task is near this task. */
  readonly isNearNext: boolean;
}

export interface Host<Task, Result, Progress = never> {
  run(task: Task, context: TaskContext<Progress>): Result | Promise<Result>;
  /** Memory of a result, to transfer without a copy. */
  transferred?(result: Result): ArrayBuffer[];
  close(): void | Promise<void>;
}

/**
 * Opens a host with the group's data and serves it. Errors thrown by `open` or a task are reported to the group, as
 * converted by `translate`.
 */
export async function hostThread<Data, Task, Result, Progress = never>(
  open: (data: Data) => Host<Task, Result, Progress> | Promise<Host<Task, Result, Progress>>,
  translate: (error: unknown) => unknown = (error) => error,
): Promise<void> {
  const port = parentPort;
  assert(port, 'this module is run as a thread');
  const send = (message: FromThread<Result, Progress>, transferred: ArrayBuffer[] = []) =>
    port.postMessage(message, transferred);
  send({ kind: 'started', thread: findThreadId() });
  let host: Host<Task, Result, Progress>;
  try {
    host = await open(workerData as Data);
  } catch (error) {
    // Not thrown: the thread's 'error' event would arrive before the message, and has no code.
    send({ kind: 'refused', error: describeError(translate(error)) });
    return;
  }
  // one task at a time: a closing group sends its message while a task runs
  let before = Promise.resolve();
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
    });
  });
  send({ kind: 'ready' });
}
