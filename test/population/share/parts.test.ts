/** Imports that several hosts read in parts, compared with one import of all their files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BlobFiles } from '../../../src/domain/ports/blob-files.ts';
import { importFiles, importPopulation } from '../../../src/population/import.ts';
import { joinParts, PartOfImport, PublishedPopulation, prunePublished } from '../../../src/population/share.ts';
import { readManifest } from '../../../src/population/versions/manifest.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { FEATURES, importUsers, type TestUser, toLines, writeDataSet } from '../support.ts';
import { bytesIn, importInto, namesIn, newStorage, now, openIn, openMirror, textIn, users } from './shared-support.ts';

const LARGE = 2 ** 40;
const folder = (name: string) => join(temporaryFolder(), name);

/** Imports one part on a host of its own. */
async function importPart(
  files: BlobFiles,
  from: readonly TestUser[],
  [part, parts]: readonly [number, number],
  { mirror = folder('mirror'), readmitErased = false } = {},
) {
  const source = writeDataSet(folder('data'), from);
  const out = new PartOfImport({ files, folder: mirror, limitBytes: LARGE, now }, { part, parts });
  const result = await importPopulation({ source, features: FEATURES, out, readmitErased });
  return { result, stored: out.stored };
}

async function join3(files: BlobFiles, { mirror = folder('mirror'), readmitErased = false, parts = 3 } = {}) {
  const out = new PublishedPopulation({ files, folder: mirror, limitBytes: LARGE, now });
  return { result: await joinParts({ files, out, parts, readmitErased, now }), stored: out.stored };
}

/** Users of three parts that share tokens, in an order that no part knows. */
const THIRDS = [users(0, 70_000, 'Rome'), users(70_000, 70_005, 'Oslo'), users(70_005, 80_000, 'Genève')] as const;

async function importThirds(files: BlobFiles, thirds: readonly (readonly TestUser[])[] = THIRDS) {
  const ends = await Promise.all(thirds.map((third, i) => importPart(files, third, [i + 1, thirds.length])));
  return ends.map(({ stored }) => stored);
}

describe('an import in parts', () => {
  it('gives the bytes of one import of all files, also if it continues other versions', async () => {
    const { files } = newStorage();
    const [out, source] = [folder('population'), folder('data')];
    for (const from of [THIRDS.flat(), users(30, 70_000, 'Bern')]) {
      const local = await importUsers(source, out, from);
      await importThirds(files, [from.slice(0, 66_000), from.slice(66_000, 66_010), from.slice(66_010)]);
      const mirror = folder('mirror');
      const { result } = await join3(files, { mirror });
      expect(result).toEqual(local);
      const there = await openMirror(files, mirror);
      expect(readManifest(mirror, result.version)).toEqual(readManifest(out, result.version));
      expect(there.index.incoming).toEqual([]);
      there.close();
      // another import continues from here
      await importUsers(source, out, users(0, 10, 'Pisa'));
      await importInto(files, users(0, 10, 'Pisa'));
    }
  });

  it('keeps no segment on any host, and nothing in the storage that the version does not need', async () => {
    const { files, root } = newStorage();
    const one = newStorage();
    await importInto(one.files, THIRDS.flat());
    const mirror = folder('mirror');
    let most = 0;
    files.before = () => {
      most = Math.max(most, bytesIn(mirror));
    };
    for (const [i, third] of THIRDS.entries()) await importPart(files, third, [i + 1, 3], { mirror });
    await join3(files, { mirror });
    expect(most).toBeLessThan(20_000);
    await prunePublished(files, { keep: 1, served: [], now });
    expect(namesIn(root).length).toBe(namesIn(one.root).length);
  });

  it('stores nothing again if a part or the join is repeated', async () => {
    const { files } = newStorage();
    await importThirds(files);
    expect((await importPart(files, THIRDS[0], [1, 3])).stored).toEqual({ files: 0, bytes: 0, known: 2 });
    let puts = 0;
    files.before = (name) => {
      if (name.includes('/files/') && ++puts > 2) throw new Error('the host is gone');
    };
    await expect(join3(files)).rejects.toThrow('the host is gone');
    files.before = () => {};
    expect((await join3(files)).stored.known).toBeGreaterThanOrEqual(2);
    await expect(join3(files)).rejects.toThrow('part 1 of 3 is missing');
  });

  it('leaves out users who were erased before the import, and since', async () => {
    const { files, root } = newStorage();
    await importInto(files, users(0, 50));
    const mirror = await openMirror(files);
    await mirror.erase(['user-3', 'user-77'], await openIn(mirror));
    expect((await importPart(files, users(0, 40), [1, 2])).result.erased).toBe(1);
    expect((await importPart(files, users(40, 90), [2, 2])).result.erased).toBe(1);
    await mirror.erase(['user-4', 'user-78'], await openIn(mirror));
    const { result } = await join3(files, { parts: 2 });
    expect(result).toMatchObject({ users: 86, erased: 2, newUsers: 38 });
    await mirror.sync();
    const there = await openIn(mirror, result.version);
    expect(['user-3', 'user-4', 'user-77', 'user-78'].map((id) => there.directory.find(id))).toEqual([-1, -1, -1, -1]);
    expect(there.directory.find('user-89')).toBeGreaterThan(80);
    expect(textIn(root)).not.toMatch(/user-(77|78)(?!\d)/);
    // readmitted users are new users
    for (const part of [1, 2])
      await importPart(files, users(50 * part, 50 * part + 40), [part, 2], { readmitErased: true });
    expect((await join3(files, { parts: 2, readmitErased: true })).result).toMatchObject({ erased: 0, users: 80 });
    mirror.close();
  });

  it('is refused if a user is in two parts, parts have different features, or a part is missing', async () => {
    const { files } = newStorage();
    await importPart(files, users(0, 20), [1, 2]);
    await expect(join3(files, { parts: 2 })).rejects.toMatchObject({ code: 'invalid_argument' });
    await importPart(files, users(19, 30), [2, 2]);
    await expect(join3(files, { parts: 2 })).rejects.toThrow('the user "user-19" of part 2 is also in an earlier part');
    const rows = join(temporaryFolder(), 'users.ndjson');
    writeFileSync(rows, toLines(users(20, 30)));
    const out = new PartOfImport({ files, folder: folder('mirror'), limitBytes: LARGE, now }, { part: 2, parts: 2 });
    const schema = { userId: 'user_id', features: [{ name: 'city', kind: 'single', column: 'city' } as const] };
    await importFiles({ sources: [rows], schema, out });
    await expect(join3(files, { parts: 2 })).rejects.toThrow('parts 1 and 2 have different features');
    const mirror = await openMirror(files);
    expect(mirror.index.versions).toEqual([]);
    mirror.close();
  });

  it('is removed a day later if it is not joined', async () => {
    const { files, root } = newStorage();
    await importInto(files, users(0, 10));
    const before = namesIn(root);
    await importThirds(files);
    await prunePublished(files, { keep: 1, served: [], now });
    expect(namesIn(root).length).toBeGreaterThan(before.length + 6);
    await prunePublished(files, { keep: 1, served: [], now: () => now() + 25 * 3600_000 });
    expect(namesIn(root)).toEqual(before);
    await expect(join3(files)).rejects.toThrow('parts are kept for a day');
  });
});
