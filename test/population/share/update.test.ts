/** Updates of the published population that fetch only the segments they compare or rewrite. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { identifierId } from '../../../src/domain/identities.ts';
import { eraseUsers } from '../../../src/population/erase.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { PublishedPopulation } from '../../../src/population/share.ts';
import { schemaOfFeatures, type UpdateFilesOptions, updateFiles } from '../../../src/population/update/update-files.ts';
import type { Destinations } from '../../../src/population/versions/destination.ts';
import { readManifest } from '../../../src/population/versions/manifest.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { importUsers, type TestUser, toLines } from '../support.ts';
import { bytesIn, importInto, newStorage, now, openIn, openMirror, publish, rowsOf, users } from './shared-support.ts';

const SEGMENT = 65_536;

interface Delta extends Partial<Omit<UpdateFilesOptions, 'changed' | 'deleted'>> {
  readonly changed?: readonly TestUser[];
  readonly deleted?: readonly string[];
}

function update(population: string | Destinations, { changed, deleted, ...options }: Delta) {
  const folder = temporaryFolder();
  const [rows, ids] = [join(folder, 'changed.ndjson'), join(folder, 'deleted.txt')];
  if (changed) writeFileSync(rows, toLines(changed));
  if (deleted) writeFileSync(ids, deleted.map((id) => `${id}\n`).join(''));
  const schema: UpdateFilesOptions['schema'] = (features) => schemaOfFeatures(features, new Map());
  const files = { changed: changed ? [rows] : [], deleted: deleted ? [ids] : [] };
  return updateFiles({ population, schema, ...files, ...options });
}

/** A published population, and a folder with the same versions. */
async function twice(count: number) {
  const { files } = newStorage();
  const out = join(temporaryFolder(), 'population');
  await importUsers(join(temporaryFolder(), 'data'), out, users(0, count));
  const { version } = await publish(out, files);
  return { files, out, version };
}

/** Updates the folder, and the published population from a host that has only a mirror. */
async function updateBoth(
  { files, out }: Awaited<ReturnType<typeof twice>>,
  delta: Delta,
  folder = join(temporaryFolder(), 'mirror'),
) {
  const local = await update(out, delta);
  files.fetches.length = 0;
  files.puts.length = 0;
  const published = new PublishedPopulation({ files, folder, limitBytes: 2 ** 40, now });
  const { currentBefore, ...shared } = await update(published, delta);
  expect({ ...shared, currentBefore: local.currentBefore }).toEqual(local);
  expect(currentBefore).toBeNull();
  const mirror = await openMirror(files, folder);
  expect(mirror.newest).toBe(local.version);
  expect(readManifest(folder, local.version)).toEqual(readManifest(out, local.version));
  return { local, mirror, stored: published.stored };
}

describe('an update of the published population', () => {
  itUsual('gives the version of an update in a folder, and fetches only segments with changed users', async () => {
    const both = await twice(2 * SEGMENT);
    // users of the second segment, and a new user
    const changed = [...users(SEGMENT + 5, SEGMENT + 9, 'Oslo'), ...users(2 * SEGMENT, 2 * SEGMENT + 1)];
    const delta = { changed, deleted: [`user-${SEGMENT + 100}`, 'nobody'] };
    const { local, mirror, stored } = await updateBoth(both, delta);
    expect(local).toMatchObject({
      ...{ changed: 2, unchanged: 2, added: 1, deleted: 1, unknown: 1, segments: { shared: 2, written: 1 } },
    });
    // rows of users and the second segment; the new segment and the new rows of users were put
    expect(both.files.fetches).toHaveLength(2);
    expect(stored).toMatchObject({ files: 2 });
    expect((await rowsOf(await openIn(mirror))).length).toBe(2 * SEGMENT);
    mirror.close();
  });

  itUsual('keeps, adds and drops identifiers as an update in a folder', async () => {
    const idOf = (value: string) =>
      identifierId(value, { type: 'email', rule: 'uid2', isHashed: false, countryCode: null })!;
    const write = (...lines: string[]) => {
      const path = join(temporaryFolder(), 'identifiers.csv');
      writeFileSync(path, ['user_id,type,rule,value', ...lines, ''].join('\n'));
      return path;
    };
    const both = await twice(100);
    const folder = join(temporaryFolder(), 'mirror');
    const identifierFiles = [write('user-7,email,uid2,a@b.c', 'user-8,email,uid2,d@e.f', 'user-9,email,adcp,d@e.f')];
    const first = await updateBoth(both, { identifierFiles }, folder);
    const second = await updateBoth(both, { deleted: ['user-8'] }, folder);
    const other = await openMirror(both.files, join(temporaryFolder(), 'mirror'));
    for (const mirror of [second.mirror, other]) {
      const { directory } = await openIn(mirror);
      expect([idOf('a@b.c'), idOf('d@e.f')].map((id) => directory.find(id))).toEqual([7, -1]);
    }
    for (const mirror of [first.mirror, second.mirror, other]) mirror.close();
  });

  itUsual(
    'compacts, builds on chosen versions, leaves out erased users, and changes nothing if nothing changed',
    async () => {
      const both = await twice(2 * SEGMENT);
      const folder = join(temporaryFolder(), 'mirror');
      const deleted = users(0, 40_000).map(({ user_id }) => String(user_id));
      const first = await updateBoth(both, { deleted }, folder);
      // the first segment has few users, so that its users are moved
      expect(first.local.segments).toEqual({ shared: 1, written: 1 });
      const again = await updateBoth(both, { changed: users(50_000, 50_100, 'Rome') }, folder);
      const nothing = await updateBoth(both, { changed: users(50_000, 50_100, 'Rome') }, folder);
      expect(nothing.local).toMatchObject({ version: again.local.version, unchanged: 100, changed: 0 });
      expect(nothing.stored).toEqual({ files: 0, bytes: 0, known: 0 });
      const gone = ['user-60000', 'user-unknown'];
      await first.mirror.erase(gone, await openIn(first.mirror));
      await eraseUsers(both.out, gone, openPopulation(both.out));
      const changed = [...users(60_000, 60_002, 'Oslo'), { user_id: 'user-unknown', city: 'Oslo', likes: [] }];
      const erased = await updateBoth(both, { changed, isCompacted: true }, folder);
      expect(erased.local).toMatchObject({ erased: 1, leftOut: 2, before: again.local.version });
      const old = await updateBoth(both, { changed: users(0, 10, 'Oslo'), base: both.version });
      expect(old.local).toMatchObject({ before: both.version, isOfNewest: false });
      for (const { mirror } of [first, again, nothing, erased, old]) mirror.close();
    },
  );

  it.runIf(IS_LONG)('keeps this machine below the limit of its mirror', async () => {
    const { files, out: copy, version } = await twice(6 * SEGMENT);
    const { segments, row_of: rowOf } = readManifest(copy, version);
    const limitBytes = 4 * segments[0]!.size + rowOf.size;
    const folder = join(temporaryFolder(), 'mirror');
    let most = 0;
    files.before = () => {
      most = Math.max(most, bytesIn(folder));
    };
    // a user of each segment, of which the mirror has room for four
    const changed = Array.from({ length: 6 }, (_, i) => users(i * SEGMENT + 1, i * SEGMENT + 2, 'Oslo')).flat();
    const out = new PublishedPopulation({ files, folder, limitBytes, now });
    expect(await update(out, { changed })).toMatchObject({
      changed: 6,
      version: (await update(copy, { changed })).version,
    });
    const tables = bytesIn(copy) - segments.reduce((sum, { size }) => sum + size, 0);
    expect(most).toBeLessThan(limitBytes + tables);
    expect(most).toBeLessThan(0.85 * bytesIn(copy));
  });

  itUsual(
    'is refused if another host has published an update since it began, or if there is nothing to update',
    async () => {
      const { files } = newStorage();
      const into = (folder: string) => new PublishedPopulation({ files, folder, limitBytes: 2 ** 40, now });
      const folders = [0, 1].map((i) => join(temporaryFolder(), `mirror-${i}`)) as [string, string];
      const changed = users(0, 3, 'Oslo');
      await expect(update(into(folders[0]), { changed })).rejects.toThrow('no version to build on');
      await importInto(files, users(0, 100));
      await expect(update(into(folders[0]), { changed, base: 'current' })).rejects.toMatchObject({
        ...{ code: 'invalid_argument', message: 'the published population has no version current to build on' },
      });
      const ends = await Promise.allSettled([
        update(into(folders[0]), { changed }),
        update(into(folders[1]), { deleted: ['user-50'] }),
      ]);
      expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const refused = ends.find((end) => end.status === 'rejected')!;
      expect(refused.reason).toMatchObject({ code: 'unavailable' });
      const mirror = await openMirror(files);
      expect(mirror.index.versions).toHaveLength(2);
      mirror.close();
    },
  );
});
