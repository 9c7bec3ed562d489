/** Engines on hosts of a cluster, which get models and populations from the storage of blobs. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { publishModelFolder } from '../../src/model/published.ts';
import { eraseUsers } from '../../src/population/erase.ts';
import { findCurrentVersion, openPopulation } from '../../src/population/read.ts';
import { Mirror, prunePublished, publishPopulation } from '../../src/population/share.ts';
import { openBlobFiles } from '../../src/storage/open-store.ts';
import { digestsOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { startOwnS3, type TestS3 } from '../fixture/s3.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
/** The folder from which the population is published. */
const folder = join(temporaryFolder(), 'population');
const MIRROR_BYTES = 2 ** 30;
const POLLS = { timeout: 30_000, interval: 20 };
let server: TestS3;
let blobs: string;

beforeAll(async () => {
  server = await startOwnS3();
  const { accessKeyId, secretAccessKey } = server.credentials;
  // engines inherit them
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
  blobs = `s3://${server.bucket}/cluster?endpoint=${encodeURIComponent(server.endpoint)}&path_style=true`;
  cpSync(world.population, folder, { recursive: true });
  const files = await openBlobFiles(blobs, systemClock);
  await publishModelFolder(files, world.model);
  await publishPopulation(folder, files, null, { now: systemClock.now });
});
afterAll(() => server.close());

describe('an engine without folders of its own', () => {
  itUsual(
    'makes the same ranking as an engine that has the folders, and leaves out users who are erased elsewhere',
    async () => {
      const local = await startRig({ ...world, population: folder });
      const id = await local.create(campaign);
      await local.ended(id);
      const expected = digestsOf(await local.folderOf(id));
      await local.supervisor.stop();

      const remote = await startRig({ ...world, population: folder, shared: { blobs, mirrorBytes: MIRROR_BYTES } });
      const mirror = join(remote.dataDir, 'mirror');
      const version = findCurrentVersion(folder)!;
      // nothing but tables was fetched to open the version
      expect(existsSync(join(mirror, version, 'segments/000000.arrow'))).toBe(false);
      const again = await remote.create(campaign);
      expect(await remote.ended(again)).toMatchObject({ state: 'ready' });
      expect(digestsOf(await remote.folderOf(again))).toEqual(expected);
      expect(existsSync(join(mirror, version, 'segments/000000.arrow'))).toBe(true);

      // as the process does that starts an engine
      const files = await openBlobFiles(blobs, systemClock);
      const follower = await Mirror.open({ folder: mirror, limitBytes: MIRROR_BYTES, files, now: systemClock.now });
      onTestFinished(() => follower.close());
      follower.follow();
      const { candidates } = await remote.ended(again);
      const known = openPopulation(folder);
      const seeds = new Set(campaign.seeds);
      const ids = Array.from({ length: 100 }, (_, i) => known.directory.id(1_000 + i));
      const gone = ids.filter((id) => !seeds.has(id)).slice(0, 50);
      await eraseUsers(folder, gone, known);
      await publishPopulation(folder, files, null, { now: systemClock.now });
      await expect
        .poll(
          async () => {
            const id = await remote.create(campaign);
            return (await remote.ended(id)).candidates;
          },
          { ...POLLS, interval: 500 },
        )
        .toBe(candidates! - gone.length);
    },
  );

  it.runIf(IS_LONG)('gets the user sides that an engine on another host has made', async () => {
    const options = { ...world, population: folder, shared: { blobs, mirrorBytes: MIRROR_BYTES } };
    const one = await startRig({ ...options, userSideBytes: 2 ** 30 });
    await expect.poll(() => [...userSidesOf(one.dataDir).keys()], POLLS).toHaveLength(1);
    const files = await openBlobFiles(blobs, systemClock);
    await expect.poll(async () => (await files.list('population/user-sides/')).length, POLLS).toBe(1);
    const two = await startRig({ ...options, userSideBytes: 2 ** 30 });
    await expect.poll(() => [...userSidesOf(two.dataDir).keys()], POLLS).toHaveLength(1);
    // a file says how long it took to make, so no other engine makes the same bytes
    expect(userSidesOf(two.dataDir)).toEqual(userSidesOf(one.dataDir));
    const id = await two.create(campaign);
    expect(await two.ended(id)).toMatchObject({ state: 'ready' });
    // they are removed with the last version that needs them
    const keep = { keep: 1, served: [], now: systemClock.now };
    await prunePublished(files, keep);
    expect(await files.list('population/user-sides/')).toHaveLength(1);
    const list = (await files.list('population/user-side-lists/'))[0]!;
    await files.deleteFile(list.name);
    await prunePublished(files, keep);
    expect(await files.list('population/user-sides/')).toEqual([]);
  });
});

/** The bytes of the user sides in the mirror of a rig, by name. */
function userSidesOf(dataDir: string): Map<string, Buffer> {
  const version = join(dataDir, 'mirror', findCurrentVersion(folder)!);
  const names = readdirSync(version, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.users'));
  return new Map(names.sort().map((name) => [name, readFileSync(join(version, name))]));
}
