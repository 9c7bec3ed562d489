/** User sides that several engines make at the same time, and that an engine makes while it is killed. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';
import { copyOf, folderOf, MADE_MS, madeAll, rankingOf } from './user-side-files.ts';

const world = await tinyWorld();
const LIMIT = 2 ** 30;
const TIMEOUT = { timeout: 300_000 };

describe('user sides', () => {
  it('are complete after a kill while they were made', TIMEOUT, async () => {
    const population = copyOf(world.wide);
    const rig = await startRig({ model: world.model, population, userSideBytes: LIMIT });
    const expected = rankingOf(rig);
    await sleep(50);
    process.kill(rig.engine(), 'SIGKILL');
    await madeAll(population, 2);
    expect(await rankingOf(rig)).toBe(await expected);
    const folder = folderOf(population);
    expect(readdirSync(folder).filter((name) => !name.endsWith('.users'))).toEqual([]);
  });

  it('are made by several engines at once, which then rank alike', TIMEOUT, async () => {
    const population = copyOf(world.wide);
    const options = { model: world.model, population, userSideBytes: LIMIT };
    const [one, other] = await Promise.all([startRig(options), startRig(options)]);
    await madeAll(population, 2);
    expect(await rankingOf(one)).toBe(await rankingOf(other));
    await vi.waitFor(
      () => {
        const names = readdirSync(folderOf(population));
        expect(names).toEqual([expect.stringMatching(/\.users$/), expect.stringMatching(/\.users$/)]);
      },
      { timeout: MADE_MS },
    );
  });
});
