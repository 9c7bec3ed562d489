/** The other side of a `ThreadGroup`: what a thread's module calls to do tasks one after the other until it is closed. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from './errors.ts';
import { describeError, type ThreadError } from './thread-error.ts';

export type ToThread<Task> =
  | { readonly kind: 'run'; readonly id: number; readonly task: Task }
  | { readonly kind: 'close' };

export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly error: ThreadError }
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: ThreadError };

export interface Host<Task, Result> {
  run(task: Task): Promise<Result>;
  close(): Promise<void>;
}

/** Opens a host with the data of the group and serves it. What `open` or a task throws is told to the group. */
export async function hostThread<Data, Task, Result>(open: (data: Data) => Promise<Host<Task, Result>>): Promise<void> {
  const port = parentPort;
  assert(port, 'this module is run as a thread');
  const send = (message: FromThread) => port.postMessage(message);
  let host: Host<Task, Result>;
  try {
    host = await open(workerData as Data);
  } catch (error) {
    // Not thrown: the thread's 'error' event would be there before the message, and has no code.
    send({ kind: 'refused', error: describeError(error) });
    return;
  }
  // one at a time: a group that closes sends its word while a task runs
  let before = Promise.resolve();
  port.on('message', (message: ToThread<Task>) => {
    before = before.then(async () => {
      if (message.kind === 'close') {
        await host.close();
        port.close();
        return;
      }
      const { id, task } = message;
      try {
        send({ kind: 'result', id, result: await host.run(task) });
      } catch (error) {
        send({ kind: 'error', id, error: describeError(error) });
      }
    });
  });
  send({ kind: 'ready' });
}
