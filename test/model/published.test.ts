/** Publishing models, and fetching them on other hosts. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { PublishedModels, publishModelFolder, pullModel } from '../../src/model/published.ts';
import { FolderBlobFiles } from '../../src/storage/files/blob-files.ts';
import { temporaryFolder } from '../fixture/folders.ts';
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
