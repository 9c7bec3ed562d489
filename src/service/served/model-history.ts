/** The models that a service has served, from the file of its data folder: which of them it serves at its start. */
import { join, resolve } from 'node:path';
import { type ModelFolder, readModelFolder } from '../../model/folder.ts';
import { MODELS_FOLDER, readServedModels, type ServedModel, writeServedModels } from '../../model/versions.ts';

export interface ModelHistory {
  /** Folder of the models by version. */
  readonly models: string;
  /** The model of `--model`. */
  readonly given: ModelFolder;
  /** The one that was promoted last while `--model` named the same version as now, else that of `--model`. */
  readonly served: ModelFolder;
  /** The served one last. */
  readonly entries: readonly ServedModel[];
}

/** Nothing is written. @throws AppError invalid_model, storage_failed */
export function readModelHistory(dataDir: string, given: ModelFolder): ModelHistory {
  const models = resolve(dataDir, MODELS_FOLDER);
  const base = given.manifest.version;
  const { isKept, entries } = entriesFrom(models, base);
  const { version } = entries.at(-1)!;
  const served = isKept && version !== base ? readModelFolder(join(models, version)) : given;
  return { models, given, served, entries };
}

/** Writes what `--model` has changed, once the data folder is locked. Without a file there is none until a switch. */
export function settleModelHistory({ models, given, entries }: ModelHistory): void {
  const stored = readServedModels(models);
  const base = given.manifest.version;
  if (stored !== null && stored.base !== base) writeServedModels(models, { base, history: [...entries] });
}

/** What was served, given that `--model` names version `base` now: a change of it is the operator's, and the newest. */
function entriesFrom(
  models: string,
  base: string,
): { readonly isKept: boolean; readonly entries: readonly ServedModel[] } {
  const stored = readServedModels(models);
  const first: ServedModel = { version: base, activated_at: null, check: null };
  if (stored === null) return { isKept: false, entries: [first] };
  if (stored.base === base) return { isKept: true, entries: stored.history };
  // promoted before any service started: the one of --model was served before it, as far as a rollback goes
  if (stored.base === null) return { isKept: true, entries: [first, ...stored.history] };
  return { isKept: false, entries: [...stored.history.filter(({ version }) => version !== base), first] };
}
