/** The models of a data folder, checked: each by its manifest's sums, which one is served, and what was left over. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../lib/errors.ts';
import { listFolder, withStorage } from '../lib/files/durable-files.ts';
import { MANIFEST_FILE, readModelFolder } from './folder.ts';
import { findModel, isModelVersion, listModels, readServedModels, SERVED_FILE, summarise } from './versions.ts';

/** Names of what a promotion leaves that was cut off: a copy without an end, the next `served.json`. */
const LEFTOVER = /^([0-9a-f]{12}\.copying-[0-9a-f-]+|served\.json\.new)$/;

export interface ModelsReport {
  readonly versions: readonly string[];
  readonly bytes: number;
  /** The one that was promoted last; null if none was. */
  readonly served: string | null;
  /** The version of `--model` that it was promoted over; null if none, or no service started since. */
  readonly base: string | null;
  /** Missing or damaged; paths are relative to the folder. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
  /** Of promotions that were cut off, or are at work. */
  readonly leftovers: readonly string[];
}

/**
 * Reads every file of every model. Safe beside a promotion, which may remove a damaged model to copy it again.
 * @throws AppError storage_failed where the folder cannot be listed
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

/** null: whole, or taken away meanwhile. */
function faultOf(models: string, version: string): string | null {
  const path = join(models, version);
  const fault = tryRead(path, version);
  // a promotion that found it damaged is copying it again
  return fault === null || !existsSync(path) ? null : tryRead(path, version);
}

function tryRead(path: string, version: string): string | null {
  try {
    const { manifest } = readModelFolder(path);
    return manifest.version === version ? null : `its manifest is of version ${manifest.version}`;
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
    // the base is the folder of --model, of which a copy is made when it is left
    const isThere = served === base || findModel(models, served) !== null;
    return { served, base, fault: isThere ? null : `it names model ${served}, which is not there` };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { served: null, base: null, fault: messageOf(error.cause ?? error) };
  }
}

/**
 * What a copy of the folder consists of, as paths in it; each is to be copied before the next is asked for. What is
 * missing is left out, and so is a model whose manifest is damaged.
 */
export function* filesOfModels(models: string): Generator<string, void, void> {
  // first the file that names models: they were there before it
  if (existsSync(join(models, SERVED_FILE))) yield SERVED_FILE;
  for (const { manifest } of listModels(models))
    for (const file of [...Object.keys(manifest.files), MANIFEST_FILE])
      if (existsSync(join(models, manifest.version, file))) yield `${manifest.version}/${file}`;
}
