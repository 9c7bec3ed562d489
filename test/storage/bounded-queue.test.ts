/** The queue of bounded length: order, failures and refusals. */
import { describe, expect, it } from 'vitest';
import { BoundedQueue } from '../../src/storage/bounded-queue.ts';

describe('BoundedQueue', () => {
  it('runs one task after the other, also after one that failed', async () => {
    const queue = new BoundedQueue(3, 'tasks');
    const seen: string[] = [];
    const task = (name: string, fails = false) =>
      queue.run(async () => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const outcomes = await Promise.allSettled([task('a'), task('b', true), task('c')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('refuses a task beyond the limit until one has ended', async () => {
    const queue = new BoundedQueue(2, 'tasks');
    const both = [queue.run(async () => 1), queue.run(async () => 2)];
    await expect(queue.run(async () => 3)).rejects.toMatchObject({
      code: 'unavailable',
      message: '2 tasks, the maximum at one time',
      facts: { retry_after: 5 },
    });
    expect(await Promise.all(both)).toEqual([1, 2]);
    expect(await queue.run(async () => 4)).toBe(4);
  });
});
