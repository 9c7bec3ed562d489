/**
 * The history of served models in a file of the data folder. The history determines which model the service serves when
 * it starts.
 */
import { join, resolve } from 'node:path';
import { type ModelFolder, readModelFolder } from '../../model/folder.ts';
import { MODELS_FOLDER, readServedModels, type ServedModel, writeServedModels } from '../../model/versions.ts';

export interface ModelHistory {
  /** Folder of the promoted models, by version. */
  readonly models: string;
  /** The model named by `--model`. */
  readonly given: ModelFolder;
  /** The last promoted model if `--model` has not changed since, otherwise the model that `--model` names. */
  readonly served: ModelFolder;
  /** Models in the order in which they were served; the last entry is the served model. */
  readonly entries: readonly ServedModel[];
}

/** Reads the history without writing. @throws AppError invalid_model, storage_failed */
export function readModelHistory(dataDir: string, given: ModelFolder): ModelHistory {
  const models = resolve(dataDir, MODELS_FOLDER);
  const base = given.manifest.version;
  const { isKept, entries } = entriesFrom(models, base);
  const { version } = entries.at(-1)!;
  const served = isKept && version !== base ? readModelFolder(join(models, version)) : given;
  return { models, given, served, entries };
}

/** Records a change to `--model`. The data folder must be locked. No file is created before the first switch. */
export function settleModelHistory({ models, given, entries }: ModelHistory): void {
  const stored = readServedModels(models);
  const base = given.manifest.version;
  if (stored !== null && stored.base !== base) writeServedModels(models, { base, history: [...entries] });
}

/**
 * The history if `--model` names version `base`. If the operator has changed `--model`, `base` becomes the newest
 * entry.
 */
function entriesFrom(
  models: string,
  base: string,
): { readonly isKept: boolean; readonly entries: readonly ServedModel[] } {
  const stored = readServedModels(models);
  const first: ServedModel = { version: base, activated_at: null, check: null };
  if (stored === null) return { isKept: false, entries: [first] };
  if (stored.base === base) return { isKept: true, entries: stored.history };
  // if the model was promoted before any service started, a rollback returns to the model of --model
  if (stored.base === null) return { isKept: true, entries: [first, ...stored.history] };
  return { isKept: false, entries: [...stored.history.filter(({ version }) => version !== base), first] };
}
