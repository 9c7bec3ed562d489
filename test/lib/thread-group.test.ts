/** Groups of threads: order of results, what is thrown in a thread, threads that die, and that none is left. */
import { describe, expect, it } from 'vitest';
import { ThreadGroup } from '../../src/lib/thread-group.ts';
import type { HostTask } from './children/host.ts';

async function withGroup(
  count: number,
  use: (group: ThreadGroup<HostTask, string>) => Promise<void>,
  refuse = false,
): Promise<number> {
  const closed = new SharedArrayBuffer(4);
  const data = { closed, ...(refuse ? { refuse } : {}) };
  const group = await ThreadGroup.open<HostTask, string>(import.meta.url, 'children/host', count, data);
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
    'gives the results of %i threads in the order of the tasks, and closes each thread',
    async (count) => {
      const closed = await withGroup(count, async (group) => {
        expect(await group.run([wait(60, 'a'), wait(0, 'b'), wait(5, 'c'), wait(0, 'd')])).toEqual([
          'a',
          'b',
          'c',
          'd',
        ]);
        expect(await group.run([])).toEqual([]);
        expect(await group.run([wait(0, 'e')])).toEqual(['e']);
      });
      expect(closed).toBe(count);
    },
  );

  it('throws what a task throws, after the other tasks, and goes on', async () => {
    await withGroup(2, async (group) => {
      await expect(group.run([wait(20, 'a'), { kind: 'refuse' }, wait(0, 'c')])).rejects.toMatchObject({
        code: 'invalid_model',
        message: 'not this one',
        facts: { task: 1 },
      });
      expect(await group.run([wait(0, 'd')])).toEqual(['d']);
    });
  });

  it('throws what a thread refuses to open with', async () => {
    await expect(withGroup(2, async () => {}, true)).rejects.toMatchObject({ code: 'invalid_data' });
  });

  it.each([
    [{ kind: 'end' }, 'ended with code 7'],
    [{ kind: 'throw outside' }, 'out of the blue'],
  ] as const)('fails all tasks where a thread dies (%o)', async (task, reason) => {
    const message = expect.stringMatching(`children/host.* is gone: .*${reason}`);
    const closed = await withGroup(2, async (group) => {
      await expect(group.run([task, wait(20, 'b'), wait(0, 'c')])).rejects.toMatchObject({ message });
      await expect(group.run([wait(0, 'd')])).rejects.toMatchObject({ message });
    });
    expect(closed).toBe(1);
  });

  it('closes after the task at hand', async () => {
    let answer: Promise<string[]> | undefined;
    await withGroup(1, async (group) => {
      answer = group.run([wait(50, 'a')]);
    });
    expect(await answer).toEqual(['a']);
  });
});
