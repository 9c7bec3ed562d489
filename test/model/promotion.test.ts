/** Promotion of models: the link names the old model or the new one, and never half of one. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { discardFresh, findServing, openModelsFolder, promoteFresh, rejectFresh } from '../../src/model/promotion.ts';
import { useFolders } from '../fixture/folders.ts';

const newFolder = useFolders();

function modelAt(folder: string, text: string): string {
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.onnx'), text);
  return folder;
}

describe('a folder of models', () => {
  it('is made where missing, and its serving model is named once', () => {
    const path = join(newFolder(), 'models');
    const models = openModelsFolder(path);
    expect(() => findServing(models, undefined)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('--model') as string }),
    );
    const first = modelAt(join(newFolder(), 'first'), 'first');
    expect(findServing(models, first)).toBe(first);
    expect(() => findServing(models, join(path, 'none'))).toThrow(`there is no model ${join(path, 'none')}`);
  });

  it('has a promoted model under its version, and keeps those before', () => {
    const models = openModelsFolder(newFolder());
    for (const version of ['v1', 'v2']) {
      modelAt(models.fresh, version);
      expect(promoteFresh(models, version)).toBe(join(models.path, version));
      expect(readFileSync(join(models.current, 'model.onnx'), 'utf8')).toBe(version);
      expect(findServing(models, undefined)).toBe(join(models.path, version));
    }
    expect(readdirSync(models.path).sort()).toEqual(['current', 'v1', 'v2']);
    // relative: the folder can be moved
    expect(readlinkSync(models.current)).toBe('v2');
  });

  it('promotes again after a kill between its steps', () => {
    const models = openModelsFolder(newFolder());
    modelAt(join(models.path, 'v1'), 'v1');
    symlinkSync('v0', `${models.current}.new`);
    modelAt(models.fresh, 'v1');
    promoteFresh(models, 'v1');
    expect(readlinkSync(models.current)).toBe('v1');
    expect(readdirSync(models.path).sort()).toEqual(['current', 'v1']);
  });

  it('keeps the latest rejected model', () => {
    const models = openModelsFolder(newFolder());
    for (const text of ['one', 'two']) {
      modelAt(models.fresh, text);
      rejectFresh(models);
    }
    modelAt(models.fresh, 'three');
    discardFresh(models);
    expect(readdirSync(models.path)).toEqual(['rejected']);
    expect(readFileSync(join(models.rejected, 'model.onnx'), 'utf8')).toBe('two');
  });

  it('refuses a `current` that is no link', () => {
    const path = newFolder();
    modelAt(join(path, 'current'), 'mine');
    expect(() => openModelsFolder(path)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
