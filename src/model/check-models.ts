/**
 * Checks the models of a data folder: their checksums, which model is served, and leftovers of interrupted promotions.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../lib/errors.ts';
import { listFolder, withStorage } from '../lib/files/durable-files.ts';
import { MANIFEST_FILE, readModelFolder } from './folder.ts';
import { findModel, isModelVersion, listModels, readServedModels, SERVED_FILE, summarise } from './versions.ts';

/** Files that an interrupted promotion leaves behind: an unfinished copy, or the next `served.json`. */
const LEFTOVER = /^([0-9a-f]{12}\.copying-[0-9a-f-]+|served\.json\.new)$/;

export interface ModelsReport {
  readonly versions: readonly string[];
  readonly bytes: number;
  /** The version that was promoted last; null if no model was promoted. */
  readonly served: string | null;
  /**
   * The version of `--model` that the promoted version replaced; null if there is no promoted version, or if no service
   * has started since the promotion.
   */
  readonly base: string | null;
  /** Missing or damaged models and files, with paths relative to the folder of models. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
  /** Files of promotions that were interrupted or are still running. */
  readonly leftovers: readonly string[];
}

/**
 * Reads every file of every model. Safe during a promotion, which may delete a damaged model and copy it again.
 * @throws AppError storage_failed if the folder cannot be listed
 */
export function checkModels(models: string): ModelsReport {
  const names = withStorage(`list ${models}`, () => listFolder(models)).sort();
  const versions = names.filter(isModelVersion);
  const damaged = versions.flatMap((path) => {
    const message = faultOf(models, path);
    return message === null ? [] : [{ path, message }];
  });
  const { served, base, fault } = findServed(models);
  return {
    versions,
    bytes: versions.reduce((sum, version) => sum + (summarise(join(models, version))?.bytes ?? 0), 0),
    served,
    base,
    faults: [...damaged, ...(fault === null ? [] : [{ path: SERVED_FILE, message: fault }])],
    leftovers: names.filter((name) => LEFTOVER.test(name)),
  };
}

/** Returns null if the model is intact or has been removed in the meantime. */
function faultOf(models: string, version: string): string | null {
  const path = join(models, version);
  const fault = tryRead(path, version);
  // a promotion that found the model damaged may be copying it again
  return fault === null || !existsSync(path) ? null : tryRead(path, version);
}

function tryRead(path: string, version: string): string | null {
  try {
    const { manifest } = readModelFolder(path);
    return manifest.version === version ? null : `the manifest has version ${manifest.version}`;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return error.message.replace(`model ${path}: `, '');
  }
}

function findServed(models: string): { readonly fault: string | null } & Pick<ModelsReport, 'served' | 'base'> {
  try {
    const stored = readServedModels(models);
    if (stored === null) return { served: null, base: null, fault: null };
    const { base } = stored;
    const served = stored.history.at(-1)!.version;
    // the base model is in the folder of --model, and is copied only when another model replaces it
    const isThere = served === base || findModel(models, served) !== null;
    return { served, base, fault: isThere ? null : `the file names model ${served}, which does not exist` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { served: null, base: null, fault: messageOf(error.cause ?? error) };
  }
}

/**
 * The paths in the folder of models that a backup copies; each path must be copied before the next one is requested.
 * Missing files and models with a damaged manifest are left out.
 */
export function* filesOfModels(models: string): Generator<string, void, void> {
  // served.json is copied before the models, so every model that the copy names already exists
  if (existsSync(join(models, SERVED_FILE))) yield SERVED_FILE;
  for (const { manifest } of listModels(models))
    for (const file of [...Object.keys(manifest.files), MANIFEST_FILE])
      if (existsSync(join(models, manifest.version, file))) yield `${manifest.version}/${file}`;
}
