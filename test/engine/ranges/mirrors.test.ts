/** Engines of several hosts, each with a mirror that has room for a part of the population. */
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { importPopulation } from '../../../src/population/import.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { publishPopulation } from '../../../src/population/share.ts';
import { FolderBlobFiles } from '../../../src/storage/files/blob-files.ts';
import { digestsIn } from '../../fixture/digest.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { startCluster } from './cluster.ts';

const world = await tinyWorld();
/** One more than the smallest mirror has room for. */
const SEGMENTS = 5;
const USERS = SEGMENTS * 65_536;
const population = join(temporaryFolder(), 'population');
const files = new FolderBlobFiles(temporaryFolder());
let version: string;

/** Copies of the users of the small world, with other ids. */
beforeAll(async () => {
  const data = join(temporaryFolder(), 'data');
  cpSync(world.data, data, { recursive: true });
  const path = join(data, 'users.ndjson');
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const rests = lines.map((line) => JSON.stringify({ ...JSON.parse(line), user_id: undefined }).slice(1));
  const copies = Array.from(
    { length: USERS - lines.length },
    (_, i) => `{"user_id":"c${i}",${rests[i % rests.length]}`,
  );
  writeFileSync(path, `${[...lines, ...copies].join('\n')}\n`);
  await importPopulation({ source: data, features: openPopulation(world.population).features, out: population });
  ({ version } = await publishPopulation(population, files, null, { now: () => 0 }));
}, 240_000);

const sizeOf = (path: string) => statSync(join(population, version, path)).size;

describe('engines with mirrors that are smaller than the population', () => {
  it('score all ranges, with the bytes of an engine that has the population', { timeout: 240_000 }, async () => {
    const campaign = world.campaigns[0]!;
    const alone = await startCluster({ model: world.model, population });
    await alone.addHost();
    const first = await alone.create(campaign);
    expect(await alone.ended(first)).toMatchObject({ state: 'ready' });
    const expected = digestsIn(await alone.bytesOf(first));

    const mirrorBytes = 4.5 * sizeOf('segments/000000.arrow') + sizeOf('row-of.i32');
    const cluster = await startCluster({ model: world.model, population, rangeSegments: 1, files, mirrorBytes });
    cluster.onRanges({});
    const hosts = [await cluster.addHost(), await cluster.addHost()];
    const second = await cluster.create(campaign);
    expect(await cluster.ended(second)).toMatchObject({ state: 'ready' });
    expect(digestsIn(await cluster.bytesOf(second))).toEqual(expected);
    for (const { owner } of hosts) {
      const kept = readdirSync(join(cluster.dataDir, owner, version, 'segments'));
      expect(kept.length).toBeGreaterThan(0);
      expect(kept.length).toBeLessThanOrEqual(4);
    }
  });
});
