/** Look-ups of many ids at once. */
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { countSeeds } from '../../../src/domain/user-sets.ts';
import { findRowsOf, findUser } from '../../../src/http/user-sets/find-user.ts';
import { importUsers, USER_IDS } from '../fixture.ts';

const population = await importUsers();

describe('findRowsOf', () => {
  it('returns rows in order and counts as of seeds, over many slices, between which others have their turn', async () => {
    const unknown = Array.from({ length: 10_000 }, (_, i) => `nobody-${i}`);
    const received = [...unknown, ...USER_IDS.toReversed(), ...USER_IDS.slice(0, 7)];
    let turns = 0;
    let isDone = false;
    const others = (async () => {
      for (; !isDone; turns++) await setImmediate();
    })();
    const { rows, counts } = await findRowsOf(population, received);
    isDone = true;
    await others;
    expect(counts).toEqual(countSeeds(received, (id) => findUser(population, id) >= 0).counts);
    expect([...rows]).toEqual(USER_IDS.map((id) => population.rowOf[findUser(population, id)]!).sort((a, b) => a - b));
    expect(turns).toBeGreaterThanOrEqual(2);
  });
});
