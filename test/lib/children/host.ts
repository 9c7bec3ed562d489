/** A thread of a group, which follows its tasks. */
import { AppError } from '../../../src/lib/errors.ts';
import { hostThread } from '../../../src/lib/threads/thread-host.ts';

export type HostTask =
  | { readonly kind: 'wait'; readonly ms: number; readonly answer: string }
  | { readonly kind: 'near'; readonly answer: string }
  | { readonly kind: 'count' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'end' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'throw outside' };

await hostThread<{ closed: SharedArrayBuffer; refuse?: boolean }, HostTask, string, number>(
  async ({ closed, refuse }) => {
    if (refuse) throw new AppError('invalid_data', 'not with these data');
    return {
      async run(task, { check, report, isNearNext }) {
        if (task.kind === 'refuse') throw new AppError('invalid_model', 'not this one', { facts: { task: 1 } });
        if (task.kind === 'end') process.exit(7);
        if (task.kind === 'hang') {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
          return 'never';
        }
        if (task.kind === 'throw outside') {
          setTimeout(() => {
            throw new Error('out of the blue');
          });
          return new Promise<string>(() => {});
        }
        if (task.kind === 'count') {
          for (let share = 0; ; share++) {
            check();
            report(share);
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
        }
        if (task.kind === 'near') return isNearNext ? `${task.answer}, more` : task.answer;
        await new Promise((resolve) => setTimeout(resolve, task.ms));
        return task.answer;
      },
      async close() {
        Atomics.add(new Int32Array(closed), 0, 1);
      },
    };
  },
);
