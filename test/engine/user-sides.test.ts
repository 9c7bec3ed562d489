/** Stored user sides: the same audiences with and without them, and after damage and updates. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { openPopulation } from '../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';
import { copyOf, filesOf, folderOf, MADE_MS, madeAll, rankingOf } from './user-side-files.ts';

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

const USERS = /^[0-9a-f]{32}\.users$/;

const newPopulation = () => copyOf(world.wide, { isBare: true });
/** A population with its user sides. */
const complete = newPopulation();
const newComplete = () => copyOf(complete);
beforeAll(() => store(complete));

function sizesOf(population: string, version?: string): number[] {
  const folder = folderOf(population, version);
  return existsSync(folder) ? readdirSync(folder).map((name) => statSync(join(folder, name)).size) : [];
}

function namesOf(population: string): string[] {
  const folder = folderOf(population);
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Equal for links to the same file; an inode alone may be reused. */
const identitiesOf = (population: string) =>
  namesOf(population).map((name) => {
    const { ino, mtimeMs } = statSync(join(folderOf(population), name));
    return `${ino} ${mtimeMs}`;
  });

/** Publishes a version without one user of the second segment. */
async function dropOneUser(population: string): Promise<void> {
  const before = openPopulation(population);
  const gone = join(temporaryFolder(), 'gone.txt');
  writeFileSync(gone, `${before.directory.id(before.readSegment(1).userNumbers[3]!)}\n`);
  await updateFiles({
    ...{ population, changed: [], deleted: [gone] },
    schema: (features) => schemaOfFeatures(features, new Map()),
  });
}

function store(population: string, limit = LIMIT, threads = 1) {
  const { version } = openPopulation(population);
  const config = { model: world.model, population, populationVersion: version, device: 'cpu', threads };
  return storeUserSides(config, limit, () => {});
}

const sum = (sizes: readonly number[]) => sizes.reduce((all, size) => all + size, 0);

describe('the limit of user sides', () => {
  it.runIf(IS_LONG)('holds if several threads write at the same time', async () => {
    const limited = newPopulation();
    // files have the time that they took as a text, so their sizes differ by some bytes
    expect(await store(limited, sum(sizesOf(complete)) - 100, 2)).toEqual({ stored: 1, segments: 2, end: 'limit' });
    expect(sizesOf(limited)).toHaveLength(1);
  });

  it.runIf(IS_LONG)('leaves no stored user sides beyond it', async () => {
    const population = newComplete();
    const sizes = sizesOf(population);
    expect(await store(population, sum(sizes) - 1)).toMatchObject({ end: 'limit' });
    expect(sum(sizesOf(population))).toBeLessThan(sum(sizes));
  });

  itUsual('makes room for a new version, and keeps files that the new version shares', async () => {
    const population = newComplete();
    const { version: before } = openPopulation(population);
    const shared = identitiesOf(population);
    const all = sum(sizesOf(population));
    await dropOneUser(population);
    // the files of both versions together take more
    expect(await store(population, all)).toEqual({ stored: 2, segments: 2, end: null });
    expect(existsSync(folderOf(population, before))).toBe(false);
    expect(identitiesOf(population).filter((file) => shared.includes(file))).toHaveLength(1);
  });

  itUsual('counts a file once that two versions share', async () => {
    const population = newComplete();
    const all = sum(sizesOf(population));
    await dropOneUser(population);
    expect(await store(population, Math.round(1.99 * all))).toMatchObject({ end: null });
    const { version } = openPopulation(population);
    const others = readdirSync(population).filter((name) => /^[0-9a-f]{12}$/.test(name) && name !== version);
    expect(sizesOf(population, others[0])).toHaveLength(2);
  });
});

describe('writers of user sides', () => {
  it.runIf(IS_LONG)('remove what killed writers left behind, even of files that need not be made', async () => {
    const population = newComplete();
    const folder = folderOf(population);
    const left = `${namesOf(population)[0]}.writing-00000000-0000-4000-8000-000000000000`;
    writeFileSync(join(folder, left), 'cut off');
    writeFileSync(join(folder, `${left}.lock`), '');
    await store(population);
    expect(namesOf(population)).toEqual([expect.stringMatching(USERS), expect.stringMatching(USERS)]);
  });
});
