/** Thread groups: order of results, errors in a thread, threads that die, and that no thread is left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { Cancellation } from '../../src/lib/threads/cancellation.ts';
import { SingleTaskThreads } from '../../src/lib/threads/single-task-threads.ts';
import { ThreadDied, ThreadGroup } from '../../src/lib/threads/thread-group.ts';
import type { HostTask } from './children/host.ts';

const HOST = { beside: import.meta.url, name: 'children/host' };

async function withGroup(
  count: number,
  use: (group: ThreadGroup<HostTask, string, number>) => Promise<void>,
  refuse = false,
): Promise<number> {
  const closed = new SharedArrayBuffer(4);
  const data = { closed, ...(refuse ? { refuse } : {}) };
  const group = await ThreadGroup.open<HostTask, string, number>({ ...HOST, data }, count);
  try {
    await use(group);
  } finally {
    await group.close();
  }
  return Atomics.load(new Int32Array(closed), 0);
}

const wait = (ms: number, answer: string): HostTask => ({ kind: 'wait', ms, answer });

describe('ThreadGroup', () => {
  it.each([1, 2])(
    'returns the results of %i threads in the order of the tasks, and closes each thread',
    async (count) => {
      const closed = await withGroup(count, async (group) => {
        expect(await group.runAll([wait(60, 'a'), wait(0, 'b'), wait(5, 'c'), wait(0, 'd')])).toEqual([
          'a',
          'b',
          'c',
          'd',
        ]);
        expect(await group.runAll([])).toEqual([]);
        expect(await group.runAll([wait(0, 'e')])).toEqual(['e']);
      });
      expect(closed).toBe(count);
    },
  );

  it('throws what a task throws, after the other tasks, and continues', async () => {
    await withGroup(2, async (group) => {
      await expect(group.runAll([wait(20, 'a'), { kind: 'refuse' }, wait(0, 'c')])).rejects.toMatchObject({
        code: 'invalid_model',
        message: 'not this one',
        facts: { task: 1 },
      });
      expect(await group.runAll([wait(0, 'd')])).toEqual(['d']);
    });
  });

  it('runs near tasks in one thread, after urgent ones, and says whether more are waiting', async () => {
    await withGroup(1, async (group) => {
      const ended: string[] = [];
      const run = async (answer: string, near: string | null, urgency = 0) =>
        ended.push(await group.run({ kind: 'near', answer }, {}, { near, urgency }));
      await Promise.all([
        run('first', 'a'),
        run('b', 'b'),
        run('a', 'a'),
        run('none', null),
        run('a again', 'a'),
        run('urgent', null, 1),
      ]);
      // after the urgent task nothing is near, so the first waiting task is next
      expect(ended).toEqual(['first', 'urgent', 'b', 'a, more', 'a again', 'none']);
    });
  });

  it('takes the most urgent waiting task first, and equally urgent ones in order', async () => {
    await withGroup(1, async (group) => {
      const ended: string[] = [];
      const run = async (answer: string, urgency: number) =>
        ended.push(await group.run(wait(0, answer), {}, { urgency }));
      const running = group.run(wait(50, 'running'));
      await Promise.all([run('a', 0), run('b', 1), run('c', 0), run('d', 2), run('e', 1)]);
      expect(ended).toEqual(['d', 'b', 'e', 'a', 'c']);
      expect(await running).toBe('running');
    });
  });

  it('throws the error of a thread that refuses to open', async () => {
    await expect(withGroup(2, async () => {}, true)).rejects.toMatchObject({ code: 'invalid_data' });
  });

  it('reports the progress of a task, and ends it once its result is no longer wanted', async () => {
    await withGroup(1, async (group) => {
      const cancellation = new Cancellation();
      const seen: number[] = [];
      const onProgress = (share: number) => {
        seen.push(share);
        if (share === 2) cancellation.cancel();
      };
      await expect(group.run({ kind: 'count' }, { cancellation, onProgress })).rejects.toThrow('no longer wanted');
      expect(seen.slice(0, 3)).toEqual([0, 1, 2]);
      expect(await group.run(wait(0, 'a'))).toBe('a');
    });
  });

  it.each([
    [{ kind: 'end' }, 'ended with code 7'],
    [{ kind: 'throw outside' }, 'out of the blue'],
  ] as const)('fails all tasks if a thread dies (%o)', async (task, reason) => {
    const message = expect.stringMatching(`children/host.* died: .*${reason}`);
    const closed = await withGroup(2, async (group) => {
      await expect(group.runAll([task, wait(20, 'b'), wait(0, 'c')])).rejects.toMatchObject({ message });
      await expect(group.broken).rejects.toBeInstanceOf(ThreadDied);
      await expect(group.runAll([wait(0, 'd')])).rejects.toMatchObject({ message });
    });
    expect(closed).toBe(1);
  });

  it('fails all tasks if a thread is silent for too long, and does not wait for it at the end', async () => {
    const data = { closed: new SharedArrayBuffer(4) };
    const limit = { clock: systemClock, mostMs: 1_000 };
    const group = await ThreadGroup.open<HostTask, string, number>({ ...HOST, data }, 2, limit);
    // an idle thread, or one that reports progress, may take as long as it likes
    const cancellation = new Cancellation();
    const counting = group.run({ kind: 'count' }, { cancellation });
    const waiting = group.run(wait(0, 'a'));
    expect(await waiting).toBe('a');
    await sleep(1_500);
    const hanging = group.run({ kind: 'hang' });
    const message = expect.stringMatching('children/host.* has been silent for 1 s');
    await expect(hanging).rejects.toMatchObject({ message });
    await expect(group.broken).rejects.toBeInstanceOf(ThreadDied);
    cancellation.cancel();
    await expect(counting).rejects.toThrow();
    await group.close();
    await group.terminate(); // these threads may be terminated: they do not use ONNX Runtime
  }, 20_000);

  it('closes after the current task', async () => {
    let answer: Promise<string[]> | undefined;
    await withGroup(1, async (group) => {
      answer = group.runAll([wait(50, 'a')]);
    });
    expect(await answer).toEqual(['a']);
  });
});

describe('SingleTaskThreads', () => {
  it('ends a task that hangs, and says so, while others go on', async () => {
    const data = { closed: new SharedArrayBuffer(4) };
    const threads = new SingleTaskThreads<HostTask, string>({ ...HOST, data }, { clock: systemClock, mostMs: 1_500 });
    const hanging = threads.run({ kind: 'hang' });
    const going = threads.run(wait(200, 'a'));
    await expect(hanging).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the task did not finish within 2 s and was ended',
    });
    expect(await going).toBe('a');
    expect(await threads.run(wait(0, 'b'))).toBe('b');
    await threads.close();
  }, 20_000);

  const threadsWith = (data: object) =>
    new SingleTaskThreads<HostTask, string>({ ...HOST, data: { closed: new SharedArrayBuffer(4), ...data } });

  it('start a thread for each task, and throw errors of the task or of its opening', async () => {
    const threads = threadsWith({});
    expect(await Promise.all([threads.run(wait(20, 'a')), threads.run(wait(0, 'b'))])).toEqual(['a', 'b']);
    await expect(threads.run({ kind: 'refuse' })).rejects.toMatchObject({ code: 'invalid_model' });
    await expect(threads.run({ kind: 'end' })).rejects.toThrow('ended with code 7');
    await expect(threadsWith({ refuse: true }).run(wait(0, 'c'))).rejects.toMatchObject({ code: 'invalid_data' });
  });

  it('end running tasks when they are closed', async () => {
    const threads = threadsWith({});
    const answer = expect(threads.run(wait(60_000, 'a'))).rejects.toThrow('are closed');
    await threads.close();
    await answer;
  });
});
