/** Stored user sides: the same audiences with and without them, and after kills, damage, updates and erasures. */
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { storeUserSides } from '../../src/engine/engine-start.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { schemaOfFeatures, updateFiles } from '../../src/population/update.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { type Rig, startRig } from './rig.ts';

const world = await tinyWorld();
const { version: model } = readModelFolder(world.model).manifest;
const LIMIT = 2 ** 30;
const MADE_MS = 60_000;

/** A copy of the population with two segments. */
function copyOf(population: string): string {
  const copy = join(temporaryFolder(), 'population');
  cpSync(population, copy, { recursive: true });
  return copy;
}

function folderOf(population: string): string {
  const version = join(population, openPopulation(population).version);
  return join(version, readdirSync(version).find((name) => name.startsWith(`user-side-${model}-`)) ?? 'none');
}

function filesOf(population: string): string[] {
  const folder = folderOf(population);
  return existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.users'))
        .map((name) => join(folder, name))
        .toSorted()
    : [];
}

async function madeAll(population: string, count = 2): Promise<void> {
  const end = Date.now() + MADE_MS;
  while (filesOf(population).length < count) {
    expect(Date.now()).toBeLessThan(end);
    await sleep(20);
  }
}

/** A digest of the ranking of a new campaign. */
async function rankingOf(rig: Rig): Promise<string> {
  const id = await rig.create(world.campaigns[0]!);
  expect((await rig.ended(id)).state).toBe('ready');
  return digestOf(await rig.folderOf(id));
}

describe('user sides', () => {
  it('are made in the background, and give the bytes of rankings that are computed without them', async () => {
    const population = copyOf(world.wide);
    const without = await startRig({ model: world.model, population, userSideBytes: 0 });
    const expected = await rankingOf(without);
    expect(filesOf(population)).toEqual([]);
    await without.supervisor.stop();

    const rig = await startRig({ model: world.model, population, userSideBytes: LIMIT });
    await madeAll(population);
    expect(await rankingOf(rig)).toBe(expected);
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
    await madeAll(population);
    expect(await rankingOf(again)).toBe(expected);
  });

  it('are complete after a kill while they were made', async () => {
    const population = copyOf(world.wide);
    const rig = await startRig({ model: world.model, population, userSideBytes: LIMIT });
    const expected = rankingOf(rig);
    await sleep(50);
    process.kill(rig.engine(), 'SIGKILL');
    await madeAll(population);
    expect(await rankingOf(rig)).toBe(await expected);
    const folder = folderOf(population);
    expect(readdirSync(folder).filter((name) => !name.endsWith('.users'))).toEqual([]);
  });

  it('are made by several engines at once, which then rank alike', async () => {
    const population = copyOf(world.wide);
    const options = { model: world.model, population, userSideBytes: LIMIT };
    const [one, other] = await Promise.all([startRig(options), startRig(options)]);
    await madeAll(population);
    expect(await rankingOf(one)).toBe(await rankingOf(other));
    await vi.waitFor(
      () => {
        const names = readdirSync(folderOf(population));
        expect(names).toEqual([expect.stringMatching(/\.users$/), expect.stringMatching(/\.users$/)]);
      },
      { timeout: MADE_MS },
    );
  });

  it('are made anew only for segments that an update changed, and equal those of a first import', async () => {
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
  });
});
