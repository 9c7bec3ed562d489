/** Stored user sides: the same audiences with and without them, and after damage and updates. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { openPopulation } from '../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';
import { copyOf, filesOf, MADE_MS, madeAll, rankingOf } from './user-side-files.ts';

const world = await tinyWorld();
const LIMIT = 2 ** 30;

describe('user sides', () => {
  itUsual('are made in the background, and give the bytes of rankings that are computed without them', async () => {
    const population = copyOf(world.population, { isBare: true });
    const without = await startRig({ model: world.model, population, userSideBytes: 0 });
    const expected = await rankingOf(without);
    expect(filesOf(population)).toEqual([]);
    await without.supervisor.stop();

    const rig = await startRig({ model: world.model, population, userSideBytes: LIMIT });
    await madeAll(population, 1);
    expect(await rankingOf(rig)).toBe(expected);
  });

  it.runIf(IS_LONG)('are made again when they are damaged, and change no ranking meanwhile', async () => {
    const population = copyOf(world.wide);
    const rig = await startRig({ model: world.model, population, userSideBytes: LIMIT });
    await madeAll(population, 2);
    const expected = await rankingOf(rig);
    await rig.supervisor.stop();

    // threads that have not read the file before
    const [first] = filesOf(population);
    const bytes = readFileSync(first!);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(first!, bytes);
    const again = await startRig({ model: world.model, population, userSideBytes: LIMIT });
    expect(await rankingOf(again)).toBe(expected);
    // the damaged file is made again
    await vi.waitFor(() => expect(readFileSync(first!).equals(bytes)).toBe(false), { timeout: MADE_MS });
    await madeAll(population, 2);
    expect(await rankingOf(again)).toBe(expected);
  });

  it.runIf(IS_LONG)(
    'are made anew only for segments that an update changed, and equal those of a first import',
    async () => {
      const population = copyOf(world.wide);
      const config = { model: world.model, population, device: 'cpu', threads: 1 };
      const before = openPopulation(population);
      expect(await storeUserSides({ ...config, populationVersion: before.version }, LIMIT, () => {})).toMatchObject({
        end: null,
      });
      const old = filesOf(population).map((path) => statSync(path).ino);
      const gone = join(temporaryFolder(), 'gone.txt');
      // a user of the second segment
      const user = before.directory.id(before.readSegment(1).userNumbers[3]!);
      writeFileSync(gone, `${user}\n`);
      await updateFiles({
        ...{ population, changed: [], deleted: [gone] },
        schema: (features) => schemaOfFeatures(features, new Map()),
      });
      const { version } = openPopulation(population);
      expect(version).not.toBe(before.version);
      expect(await storeUserSides({ ...config, populationVersion: version }, LIMIT, () => {})).toMatchObject({
        end: null,
      });
      const now = filesOf(population).map((path) => statSync(path).ino);
      expect(now.filter((inode) => old.includes(inode))).toHaveLength(1);
      const rig = await startRig({ model: world.model, population, userSideBytes: LIMIT });
      const stored = await rankingOf(rig);
      await rig.supervisor.stop();
      const without = await startRig({ model: world.model, population, userSideBytes: 0 });
      expect(filesOf(population)).toHaveLength(2);
      expect(await rankingOf(without)).toBe(stored);
    },
  );
});
