/** What `verify` finds in the published populations and models of a cluster. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishModelFolder } from '../../src/model/published.ts';
import { encodeUserSide } from '../../src/online/user-side/user-side-codec.ts';
import { findCurrentVersion } from '../../src/population/read.ts';
import { prunePublished, publishPopulation, UserSideStore } from '../../src/population/share.ts';
import { checkPublished } from '../../src/service/published-check.ts';
import { FolderBlobFiles } from '../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

/** A storage in a folder, with the model and the population of the tiny world. */
async function published() {
  const { model, population } = await tinyWorld();
  const root = temporaryFolder();
  const files = new FolderBlobFiles(root);
  const { version } = await publishModelFolder(files, model);
  const { version: populationVersion } = await publishPopulation(population, files, findCurrentVersion(population), {
    now: () => 1_700_000_000_000,
  });
  const cache = temporaryFolder();
  return {
    root,
    files,
    cache,
    model: version,
    population: populationVersion,
    check: () => checkPublished({ files, cache }),
  };
}

/** All files of a folder, sorted, so that tests choose the same ones. */
const filesIn = (root: string, folder: string) => readdirSync(join(root, folder)).sort();

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(path, bytes);
}

describe('checkPublished', () => {
  it('reads every stored file of an intact storage, and leaves nothing behind', async () => {
    const { root, cache, check } = await published();
    const report = await check();
    const stored = ['population/files', 'models/files'].flatMap((folder) =>
      filesIn(root, folder).map((name) => readFileSync(join(root, folder, name)).length),
    );
    const bytes = stored.reduce((sum, size) => sum + size, 0);
    expect(report).toEqual({ populations: 1, models: 1, userSides: 0, bytes, faults: [] });
    expect(readdirSync(cache)).toEqual([]);
  });

  it('names each damaged and each missing file, and what needs it', async () => {
    const { root, model, population, check } = await published();
    const names = [...filesIn(root, 'population/files').map((name) => `population/files/${name}`)];
    const models = filesIn(root, 'models/files').map((name) => `models/files/${name}`);
    flip(join(root, names[0]!));
    rmSync(join(root, names[1]!));
    flip(join(root, models[0]!));
    const { faults } = await check();
    const damaged = 'the sha256 of the file differs from its recorded sha256';
    expect(faults.map(({ path, message }) => [path, message.replace(/ \(.*/, '')])).toEqual(
      expect.arrayContaining([
        [`shared/${names[0]}`, damaged],
        [`shared/${names[1]}`, 'the file is missing'],
        [`shared/${models[0]}`, damaged],
      ]),
    );
    expect(faults).toHaveLength(3);
    const needing = faults.map(({ message }) => message.replace(/^.*\(/, ''));
    expect(needing.some((text) => text.startsWith(`model ${model}, `))).toBe(true);
    expect(needing.every((text) => new RegExp(`${model}|${population}|^directory|^dictionaries`).test(text))).toBe(
      true,
    );
  });

  it('finds every file that is lost, whichever it is', async () => {
    const { root, files, cache } = await published();
    for (const folder of ['population/files', 'population/versions', 'models/files'])
      for (const name of filesIn(root, folder)) {
        const path = join(root, folder, name);
        const bytes = readFileSync(path);
        rmSync(path);
        const { faults } = await checkPublished({ files, cache });
        expect([name, faults.map(({ path }) => path)]).toEqual([name, [`shared/${folder}/${name}`]]);
        writeFileSync(path, bytes);
      }
  });

  it('names a manifest and an index that cannot be read', async () => {
    const { root, population, model, check } = await published();
    for (const name of [`population/versions/${population}.json`, `models/manifests/${model}.json`]) {
      const path = join(root, name);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.slice(0, -20));
      const { faults } = await check();
      expect([name, faults.map((fault) => fault.path)]).toEqual([name, [`shared/${name}`]]);
      writeFileSync(path, text);
    }
    writeFileSync(join(root, 'population/index.json'), '{');
    expect((await check()).faults.map(({ path }) => path)).toEqual(['shared/population/index.json']);
  });

  it('names a table that does not reach as far as a version needs', async () => {
    const { root, check } = await published();
    const path = join(root, 'population/index.json');
    const index = JSON.parse(readFileSync(path, 'utf8'));
    const [table] = Object.keys(index.tables);
    index.tables[table!].pop();
    writeFileSync(path, JSON.stringify(index));
    expect((await check()).faults).toEqual([
      { path: 'shared/population/index.json', message: expect.stringContaining(`${table} lacks bytes`) },
    ]);
  });

  describe('of stored user sides', () => {
    const FOLDER = 'user-side-model-layout';
    const SIDE = { count: 1, userNumbers: Int32Array.of(7), values: new Map(), lists: new Map() };

    /** Stores user sides of these keys, of four that the version needs. The bytes are those of `made`. */
    async function withUserSides(keys: readonly string[], made = (key: string) => encodeUserSide(key, SIDE)) {
      const storage = await published();
      const names = ['a', 'b', 'c', 'd'].map((key) => `${FOLDER}/${key}.users`);
      const store = await UserSideStore.open(storage.files, storage.population, names);
      for (const key of keys) {
        const path = join(storage.cache, key);
        writeFileSync(path, Buffer.concat(made(key)));
        await store.put(`${FOLDER}/${key}.users`, path);
      }
      return storage;
    }

    it('reads those that a version needs; others need not be stored', async () => {
      const before = await (await published()).check();
      const { check } = await withUserSides(['a', 'c']);
      const { userSides, bytes, faults } = await check();
      const size = Buffer.concat(encodeUserSide('a', SIDE)).length;
      expect({ userSides, bytes, faults }).toEqual({ userSides: 2, bytes: before.bytes + 2 * size, faults: [] });
    });

    it('names one that is damaged, and one that was made from something else', async () => {
      const { root, population, check } = await withUserSides(['a', 'b'], (key) =>
        encodeUserSide(key === 'b' ? 'other' : key, SIDE),
      );
      flip(join(root, `population/user-sides/${FOLDER}/a.users`));
      const { faults } = await check();
      const remedy = `; the next engine that fetches it makes it again (version ${population}, ${FOLDER}`;
      expect(faults).toEqual([
        {
          path: `shared/population/user-sides/${FOLDER}/a.users`,
          message: `the user side is damaged${remedy}/a.users)`,
        },
        {
          path: `shared/population/user-sides/${FOLDER}/b.users`,
          message: `the user side belongs to other users or another model${remedy}/b.users)`,
        },
      ]);
    });

    it('names a list that cannot be read, which the next sweep removes', async () => {
      const { root, files, population, check } = await withUserSides(['a']);
      const list = `population/user-side-lists/${population}/${FOLDER}.json`;
      writeFileSync(join(root, list), '["a');
      expect((await check()).faults).toEqual([
        { path: `shared/${list}`, message: 'the list of user sides is not valid' },
      ]);
      await prunePublished(files, { keep: 1, served: [], now: () => 1_700_000_000_000 });
      expect((await check()).faults).toEqual([]);
    });
  });
});
