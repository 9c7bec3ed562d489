/** Work that is done in turns. */
import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/lib/turns.ts';

describe('Turns', () => {
  it('does one piece after the other, also after one that failed', async () => {
    const turns = new Turns(3, 'pieces');
    const seen: string[] = [];
    const piece = (name: string, fails = false) =>
      turns.run(async () => {
        seen.push(`${name} begins`);
        await Promise.resolve();
        seen.push(`${name} ends`);
        if (fails) throw new Error(name);
        return name;
      });
    const outcomes = await Promise.allSettled([piece('a'), piece('b', true), piece('c')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('refuses what would be one too many, until one has ended', async () => {
    const turns = new Turns(2, 'pieces');
    const both = [turns.run(async () => 1), turns.run(async () => 2)];
    await expect(turns.run(async () => 3)).rejects.toMatchObject({
      code: 'unavailable',
      message: '2 pieces, the maximum at one time',
      facts: { retry_after: 5 },
    });
    expect(await Promise.all(both)).toEqual([1, 2]);
    expect(await turns.run(async () => 4)).toBe(4);
  });
});
