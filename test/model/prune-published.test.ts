/** Which published models are removed, and that the files of all others stay. */
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readManifest } from '../../src/model/folder.ts';
import {
  listModelFiles,
  type PruneModelsOptions,
  prunePublishedModels,
  publishModelFolder,
  pullModel,
} from '../../src/model/published.ts';
import { FolderBlobFiles } from '../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

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
