/** Publishing models, fetching them on other hosts, and removing old ones. */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readManifest, readModelFolder } from '../../src/model/folder.ts';
import {
  listModelFiles,
  type PruneModelsOptions,
  PublishedModels,
  prunePublishedModels,
  publishModelFolder,
  pullModel,
} from '../../src/model/published.ts';
import { FolderBlobFiles } from '../../src/storage/files/blob-files.ts';
import { newFolder, temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { describeInNamespaces, runInNamespace } from '../fixture/namespaces.ts';
import { size } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const { version, files: listed } = readModelFolder(world.model).manifest;

function newStorage() {
  const root = temporaryFolder();
  return { root, files: new FolderBlobFiles(root) };
}

describe('a published model', () => {
  it('is the same on another host', async () => {
    const { root, files } = newStorage();
    const published = await publishModelFolder(files, world.model);
    expect(published).toEqual({ version, files: new Set(Object.values(listed)).size });
    const bytes = ['manifest.json', ...Object.keys(listed)].map((file) => readFileSync(join(world.model, file)).length);
    const [summary, ...others] = await new PublishedModels(files).list();
    expect(others).toEqual([]);
    expect(summary).toEqual({
      manifest: readModelFolder(world.model).manifest,
      publishedAt: statSync(join(root, `models/manifests/${version}.json`)).mtimeMs,
      bytes: bytes.reduce((sum, size) => sum + size, 0),
    });
    const models = join(temporaryFolder(), 'models');
    const path = await pullModel(files, version, models);
    expect(path).toBe(join(models, version));
    expect(readModelFolder(path).manifest).toEqual(readModelFolder(world.model).manifest);
    for (const file of ['manifest.json', ...Object.keys(listed)])
      expect(readFileSync(join(path, file)).equals(readFileSync(join(world.model, file)))).toBe(true);
    expect(await publishModelFolder(files, path)).toEqual({ version, files: 0 });
  });

  it('cannot be found before it is complete, and continues after an interruption', async () => {
    const { root, files } = newStorage();
    const { put } = files;
    let puts = 0;
    files.put = (...args) => (++puts > 2 ? Promise.reject(new Error('killed')) : put.apply(files, args));
    await expect(publishModelFolder(files, world.model)).rejects.toThrow('killed');
    files.put = put;
    expect(await new PublishedModels(files).list()).toEqual([]);
    await expect(pullModel(files, version, temporaryFolder())).rejects.toMatchObject({ code: 'model_not_found' });
    const stored = readdirSync(join(root, 'models/files')).length;
    const all = new Set(Object.values(listed)).size;
    expect((await publishModelFolder(files, world.model)).files).toBe(all - stored);
  });

  it('is fetched once by several processes', async () => {
    const { files } = newStorage();
    await publishModelFolder(files, world.model);
    const models = temporaryFolder();
    const paths = await Promise.all([1, 2, 3].map(() => pullModel(files, version, models)));
    expect(new Set(paths).size).toBe(1);
    expect(readdirSync(models)).toEqual([version]);
  });

  it('is refused if it is damaged or leads out of its folder', async () => {
    const { root, files } = newStorage();
    await publishModelFolder(files, world.model);
    const stored = join(root, 'models/files', listed['model.onnx']!);
    const bytes = readFileSync(stored);
    bytes[100]! ^= 1;
    writeFileSync(stored, bytes);
    const models = temporaryFolder();
    await expect(pullModel(files, version, models)).rejects.toMatchObject({ code: 'invalid_model' });
    const name = `models/manifests/${version}.json`;
    const text = Buffer.from((await files.find(name))!.data).toString();
    await files.put(name, Buffer.from(text.replace('model.onnx', '../outside')));
    await expect(pullModel(files, version, models)).rejects.toThrow('points outside');
    expect(readdirSync(models)).toEqual([]);
  });
});

const DAY_MS = 24 * 3600_000;
const NOW = 1_700_000_000_000;

/** A storage with variants of the tiny model that share their files, published this many days ago. */
async function published(ages: readonly number[]) {
  const { model } = await tinyWorld();
  const root = temporaryFolder();
  const files = new FolderBlobFiles(root);
  const versions: string[] = [];
  for (const [i, age] of ages.entries()) {
    const folder = join(temporaryFolder(), 'model');
    const version = writeVariant(model, folder, () => ({ name: `model ${i}` }));
    versions.push(version);
    await publishModelFolder(files, folder);
    const at = (NOW - age * DAY_MS) / 1000;
    utimesSync(join(root, `models/manifests/${version}.json`), at, at);
  }
  const own = { keep: 2, keptMs: 30 * DAY_MS, needed: async () => [] as string[] };
  const prune = (given: Partial<PruneModelsOptions> = {}) =>
    prunePublishedModels(files, { ...own, clock: { now: () => NOW, elapsed: () => 0 }, ...given });
  const left = async () => {
    const stored = new Set((await files.list('models/files/')).map(({ name }) => name));
    const { files: recorded, faults } = await listModelFiles(files);
    for (const { name } of recorded) expect(stored).toContain(name);
    expect([faults, [...stored].filter((name) => !recorded.some((file) => file.name === name))]).toEqual([[], []]);
    const listed = (await files.list('models/manifests/')).map(({ name }) => name.slice(-17, -5));
    return versions
      .filter((version) => listed.includes(version))
      .concat(listed.filter((one) => !versions.includes(one)));
  };
  return { root, files, model, versions, prune, left };
}

describe('prunePublishedModels', () => {
  it('removes models that are old and not among the newest, and keeps those that are needed', async () => {
    const { versions, prune, left } = await published([90, 80, 70, 60, 10, 5]);
    const { models } = await prune({ needed: async () => [versions[1]!] });
    expect(models.toSorted()).toEqual([versions[0]!, versions[2]!, versions[3]!].toSorted());
    expect(await left()).toEqual([versions[1], versions[4], versions[5]]);
    expect((await prune({ keptMs: 100 * DAY_MS })).models).toEqual([]);
  });

  it('keeps the newest, however old they are, with all files that they share with others', async () => {
    const { files, versions, prune, left } = await published([90, 80, 70]);
    expect((await prune()).models).toEqual([versions[0]]);
    expect(await left()).toEqual(versions.slice(1));
    await pullModel(files, versions[1]!, temporaryFolder());
  });

  it('brings a model back that begins to be needed while it is removed', async () => {
    const { files, versions, prune, left } = await published([90, 80, 70]);
    let asked = 0;
    const needed = async () => (++asked === 1 ? [] : [versions[0]!]);
    expect((await prune({ needed })).models).toEqual([]);
    expect(await left()).toEqual(versions);
    await pullModel(files, versions[0]!, temporaryFolder());
  });

  it('deletes files that no model has, unless a manifest cannot be read', async () => {
    const { root, files, versions, prune, left } = await published([3, 2]);
    const unused = `models/files/${'a'.repeat(64)}`;
    await files.put(unused, Buffer.from('of a killed publication'));
    const path = join(root, `models/manifests/${versions[0]}.json`);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, '{');
    expect((await prune()).files).toBe(0);
    writeFileSync(path, text);
    expect(await prune()).toEqual({ models: [], files: 1, bytes: 23 });
    expect(await left()).toEqual(versions);
  });

  it('leaves no model without its files that is published meanwhile', async () => {
    const { root, files, model, versions, prune, left } = await published([90, 80, 70]);
    const { files: all } = await listModelFiles(files);
    // no published model has these files any more, and a publication finds them stored
    for (const version of versions) await files.deleteFile(`models/manifests/${version}.json`);
    const publishing = { started: null as Promise<unknown> | null };
    const list = files.list.bind(files);
    files.list = async (prefix) => {
      const found = await list(prefix);
      // the removal reads that there is no model, and acts after one was published that has found all files stored
      if (prefix === 'models/manifests/' && (await list('models/sweeps/')).length > 0) {
        publishing.started ??= publishModelFolder(new FolderBlobFiles(root), model);
        while ((await list('models/manifests/')).length === 0) await setTimeout(5);
      }
      return found;
    };
    expect((await prune()).files).toBe(new Set(all.map(({ name }) => name)).size);
    await publishing.started;
    expect(await left()).toEqual([readManifest(model).version]);
  });
});

const TURNS = size(30, 80);
const CHILD = new URL('./children/publish-model.ts', import.meta.url);

describeInNamespaces('publishModel', () => {
  it('makes one complete copy if two processes copy at once, both with process id 1', {
    timeout: 120_000,
  }, async () => {
    const models = join(newFolder(), 'models');
    const args = [models, world.model, String(TURNS)];
    const sides = await Promise.all([1, 2].map(() => runInNamespace(CHILD, args).ended));
    const { version } = readModelFolder(world.model).manifest;
    for (const { lines, errors } of sides)
      expect([errors, new Set(lines), lines.length]).toEqual(['', new Set([version]), TURNS]);
    for (const name of readdirSync(dirname(models)))
      expect(readdirSync(join(dirname(models), name))).toEqual([version]);
  });
});
