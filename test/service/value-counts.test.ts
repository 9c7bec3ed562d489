/** Users by value, over several segments and of features with lists. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { importPopulation } from '../../src/population/import.ts';
import { openPopulation, type Population } from '../../src/population/read.ts';
import { Mirror, publishPopulation } from '../../src/population/share.ts';
import { sampleUsers } from '../../src/service/served/population-activation.ts';
import { ValueCounts } from '../../src/service/served/value-counts.ts';
import { FolderBlobFiles } from '../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../fixture/folders.ts';

const USERS = 70_000; // more than a segment has
const citiesOf = (i: number) => `c${i % 3}`;
const tagsOf = (i: number) => ['even', 'third', 'even'].filter((tag) => i % (tag === 'even' ? 2 : 3) === 0);

let folder: string;
let population: Population;
beforeAll(async () => {
  folder = temporaryFolder();
  const source = join(folder, 'data');
  mkdirSync(source);
  const features = [
    { name: 'city', kind: 'single' as const },
    { name: 'tags', kind: 'multi' as const },
  ];
  writeFileSync(
    join(source, 'dataset.json'),
    JSON.stringify({ name: 'counts', user_features: features, campaign_features: [] }),
  );
  const lines = Array.from({ length: USERS }, (_, i) =>
    JSON.stringify({ user_id: `u${i}`, city: citiesOf(i), tags: tagsOf(i) }),
  );
  writeFileSync(join(source, 'users.ndjson'), `${lines.join('\n')}\n`);
  await importPopulation({ source, features, out: join(folder, 'population') });
  population = openPopulation(join(folder, 'population'));
});

describe('ValueCounts', () => {
  async function countsOf(feature: string): Promise<Record<string, number>> {
    const users = await new ValueCounts(() => population).of(feature);
    const dictionary = population.dictionary(feature);
    return Object.fromEntries(Array.from(users, (count, code) => [dictionary.token(code), count]).slice(1));
  }

  it('counts the users of all segments', async () => {
    expect(population.segmentCount).toBeGreaterThan(1);
    expect(await countsOf('city')).toEqual({ c0: 23_334, c1: 23_333, c2: 23_333 });
  });

  it('counts a user once who has a value twice', async () => {
    expect(await countsOf('tags')).toEqual({ even: 35_000, third: 23_334 });
  });

  it('counts once, and again after it failed', async () => {
    let reads = 0;
    let isBroken = true;
    const counted = Object.create(population, {
      readSegment: {
        value: (index: number) => {
          reads += 1;
          if (isBroken) throw new Error('the disk failed');
          return population.readSegment(index);
        },
      },
      segmentCount: { value: population.segmentCount },
      dictionary: { value: (feature: string) => population.dictionary(feature) },
    }) as Population;
    const counts = new ValueCounts(() => counted);
    await expect(counts.of('city')).rejects.toThrow('the disk failed');
    isBroken = false;
    const [first, second] = await Promise.all([counts.of('city'), counts.of('city')]);
    expect(first).toBe(second);
    expect(reads).toBe(1 + population.segmentCount);
  });

  it('fetches the segments of a mirror', async () => {
    const files = new FolderBlobFiles(join(folder, 'blobs'));
    await publishPopulation(join(folder, 'population'), files, null, { now: () => 0 });
    const mirror = await Mirror.open({ files, folder: join(folder, 'mirror'), limitBytes: 2 ** 30, now: () => 0 });
    (await mirror.take(population.version))();
    const there = openPopulation(mirror.folder);
    expect(() => there.readSegment(1)).toThrow('must be fetched');
    expect(await new ValueCounts(() => there).of('tags')).toEqual(await new ValueCounts(() => population).of('tags'));
    const wanted = { feature: 'city', value: 'c2' };
    expect(await sampleUsers(there, 3, wanted)).toEqual(['u2', 'u5', 'u8']);
    mirror.close();
  });
});
