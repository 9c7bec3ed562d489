/** Users are erased while user sides are stored: no file of a newer version has their numbers, rankings stay equal. */
import { cpSync, globSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { metaheac } from '../cli/in-process.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const folder = temporaryFolder();
const population = join(folder, 'population');
const dataDir = join(folder, 'data');
cpSync(world.wide, population, { recursive: true });

/** Paths of stored user sides, of one version or of all. */
const files = (version = '*') => globSync(join(population, version, 'user-side-*', '*.users')).toSorted();

/** A stored file: the numbers of its users, and the bytes of the widest value of a row. */
function open(path: string) {
  const bytes = readFileSync(path);
  const header = JSON.parse(bytes.toString('utf8', 16, 16 + bytes.readUInt32LE(12)));
  const padded = (length: number) => 8 * Math.ceil(length / 8);
  const start = padded(16 + bytes.readUInt32LE(12));
  const numbers = new Int32Array(bytes.buffer.slice(bytes.byteOffset + start), 0, header.count);
  const sizes: number[] = header.values.map(({ shape }: { shape: number[] }) => 4 * shape.reduce((a, b) => a * b, 1));
  const widest = sizes.indexOf(Math.max(...sizes));
  const from = start + padded(4 * header.count) + sizes.slice(0, widest).reduce((sum, size) => sum + padded(size), 0);
  const width = sizes[widest]! / header.count;
  const valuesOf = (number: number) => {
    const row = numbers.indexOf(number);
    return bytes.subarray(from + row * width, from + (row + 1) * width);
  };
  return { bytes, numbers: [...numbers], valuesOf };
}

async function serve(env: Record<string, string> = {}): Promise<Served> {
  return Served.start({ dataDir, model: world.model, population, env });
}

async function stop(served: Served): Promise<void> {
  process.kill(served.group, 'SIGTERM');
  await served.exited();
}

async function rankingOf(served: Served): Promise<string> {
  const id = await served.create(campaign);
  expect((await served.ended(id)).state).toBe('ready');
  const campaignFolder = join(dataDir, 'audiences', id);
  return digestOf(join(campaignFolder, readdirSync(campaignFolder)[0]!));
}

/** A digest of the ranking without stored user sides. */
async function computed(): Promise<string> {
  for (const path of files()) rmSync(path);
  const served = await serve({ METAHEAC_USER_SIDE_BYTES: '0' });
  const digest = await rankingOf(served);
  expect(files()).toEqual([]);
  await stop(served);
  return digest;
}

/** Two users of the second segment who are no seeds and whose values no other user has. */
function twoUsers({ directory }: Population, path: string) {
  const { numbers, bytes, valuesOf } = open(path);
  const unique = numbers.filter((number) => {
    const values = valuesOf(number);
    return bytes.indexOf(values) === bytes.lastIndexOf(values);
  });
  const ids = unique.map((number) => ({ number, id: directory.id(number as never) }));
  return ids.filter(({ id }) => !campaign.seeds.includes(id)).slice(0, 2);
}

describe('an erasure beside stored user sides', () => {
  it('leaves nothing of the users in files of newer versions, and rankings stay equal', {
    timeout: 300_000,
  }, async () => {
    const before = openPopulation(population);
    let served = await serve();
    await served.until(() => files().length === 2, 'has stored the user sides');
    const first = files();
    const smallest = first.toSorted((a, b) => statSync(a).size - statSync(b).size)[0]!;
    const gone = twoUsers(before, smallest);
    const values = gone.map(({ number }) => Buffer.from(open(smallest).valuesOf(number)));
    const found = (paths: readonly string[]) =>
      paths.filter((path) => {
        const { bytes, numbers } = open(path);
        return gone.some(({ number }) => numbers.includes(number)) || values.some((value) => bytes.includes(value));
      });
    expect(found(first)).toEqual([smallest]);

    // one by the API, one by the command
    const [one, other] = gone.map(({ id }) => id) as [string, string];
    expect((await served.call('DELETE', `/v1/users/${encodeURIComponent(one)}`)).status).toBe(204);
    const list = join(folder, 'gone.txt');
    writeFileSync(list, `${other}\n`);
    const erased = await metaheac('population', 'erase', population, '--ids', list, '--data-dir', dataDir);
    expect(erased.stdout).toContain('1 users: 1 erased now, 1 of them known to the population');
    // an erasure changes no segment, so no file is made again
    const stored = await rankingOf(served);
    expect(files()).toEqual(first);
    await stop(served);
    expect(await computed()).toBe(stored);

    served = await serve();
    await served.until(() => files().length === 2, 'has stored the user sides again');
    const kept = files().map((path) => statSync(path).ino);
    await stop(served);
    const updated = await metaheac('population', 'update', '--population', population, '--compact');
    expect(updated).toMatchObject({ status: 0 });
    const { version } = openPopulation(population);
    expect(version).not.toBe(before.version);
    served = await serve();
    await served.until(() => files(version).length === 2, 'has stored the user sides of the new version');
    const now = files(version);
    expect(now.filter((path) => kept.includes(statSync(path).ino))).toHaveLength(1);
    expect(found(now)).toEqual([]);
    const updatedStored = await rankingOf(served);
    await stop(served);

    // files of the older version go with it
    expect(found(files())).toHaveLength(1);
    await metaheac('population', 'prune', population, '--keep', '1');
    expect(files().map((path) => basename(dirname(dirname(path))))).toEqual([version, version]);
    expect(found(files())).toEqual([]);
    expect(await computed()).toBe(updatedStored);
  });
});
