import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { openPopulation } from '../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { copyOf, folderOf } from './user-side-files.ts';

const world = await tinyWorld();
const LIMIT = 2 ** 30;
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
