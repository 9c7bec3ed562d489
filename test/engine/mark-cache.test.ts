/** Marks that are made in slices, go on when nobody waits for them, and are kept. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MarkCache } from '../../src/engine/expansion/mark-cache.ts';

const SLICES = 20;
const gaveUp = new Error('nobody waits');

/** Something that makes marks in slices, and what became of it. */
function maker() {
  const made = { begun: 0, slices: 0, ended: 0 };
  const make = async (turn: () => Promise<void>) => {
    made.begun += 1;
    for (let i = 0; i < SLICES; i++) {
      await turn();
      made.slices += 1;
    }
    made.ended += 1;
    return Uint8Array.of(1, 0, 1);
  };
  return { made, make };
}

/** A `check` that gives up when it is called so often. */
function patience(calls: number): () => void {
  let left = calls;
  return () => {
    left -= 1;
    if (left === 0) throw gaveUp;
  };
}

const patient = () => {};
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate();
}

describe('MarkCache', () => {
  it('makes the marks of a key once', async () => {
    const kept = new MarkCache(2);
    const { made, make } = maker();
    for (let i = 0; i < 3; i++) expect(await kept.get('a', make, patient)).toEqual(Uint8Array.of(1, 0, 1));
    expect(made.begun).toBe(1);
  });

  it('goes on when nobody waits any more, so that who asks again finds them', async () => {
    const kept = new MarkCache(2);
    const { made, make } = maker();
    await expect(kept.get('a', make, patience(3))).rejects.toBe(gaveUp);
    expect(made.slices).toBeLessThan(SLICES);
    await expect(kept.get('a', make, patience(3))).rejects.toBe(gaveUp);
    await turns(2 * SLICES);
    expect(made).toEqual({ begun: 1, slices: SLICES, ended: 1 });
    expect(await kept.get('a', make, patience(1))).toEqual(Uint8Array.of(1, 0, 1));
  });

  it('ends what nobody waits for when others are wanted, and when it is told to', async () => {
    const kept = new MarkCache(2);
    const [a, b, c] = [maker(), maker(), maker()];
    await expect(kept.get('a', a.make, patience(3))).rejects.toBe(gaveUp);
    await kept.get('b', b.make, patient);
    await expect(kept.get('c', c.make, patience(3))).rejects.toBe(gaveUp);
    kept.end();
    await turns(2 * SLICES);
    expect([a.made.ended, b.made.ended, c.made.ended]).toEqual([0, 1, 0]);
    await kept.get('a', a.make, patient);
    expect(a.made).toMatchObject({ begun: 2, ended: 1 });
  });

  it('forgets those that were asked for longest ago', async () => {
    const kept = new MarkCache(2);
    const { made, make } = maker();
    for (const key of ['a', 'b', 'a', 'c', 'a']) await kept.get(key, make, patient);
    expect(made.begun).toBe(3);
    await kept.get('b', make, patient);
    expect(made.begun).toBe(4);
  });

  it('tells what the making throws, and makes them again the next time', async () => {
    const kept = new MarkCache(2);
    const { make } = maker();
    const broken = new Error('the file is gone');
    const failing = async (turn: () => Promise<void>) => {
      await turn();
      throw broken;
    };
    await expect(kept.get('a', failing, patient)).rejects.toBe(broken);
    expect(await kept.get('a', make, patient)).toHaveLength(3);
  });
});
