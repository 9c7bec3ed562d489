/** A folder of models, of which the link `current` is the one to serve: promotion is one rename. */
import { lstatSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError } from '../../../lib/errors.ts';
import { replaceFolder, syncFolder, withStorage } from '../../../lib/files/durable-files.ts';

/** The name of the link. */
const CURRENT = 'current';

/** Where a model lies before it is promoted, and one that was not. */
export interface ModelsFolder {
  readonly path: string;
  readonly current: string;
  /** A training writes here; replaced by the next. */
  readonly fresh: string;
  readonly rejected: string;
}

/**
 * Opens the folder, made where missing. @throws AppError invalid_argument where `current` is no link; storage_failed
 */
export function openModelsFolder(path: string): ModelsFolder {
  const current = join(path, CURRENT);
  withStorage(`create the folder ${path}`, () => mkdirSync(path, { recursive: true }));
  const found = lstatSync(current, { throwIfNoEntry: false });
  if (found && !found.isSymbolicLink())
    throw new AppError(
      'invalid_argument',
      `${current} is no link to a model: move it to ${join(path, 'first')}, and link to that (ln -s first ${current})`,
    );
  return { path, current, fresh: join(path, 'new'), rejected: join(path, 'rejected') };
}

/** The model folder that serves now: `named`, or what the link names. @throws AppError invalid_argument */
export function findServing({ current, path }: ModelsFolder, named: string | undefined): string {
  try {
    return realpathSync(named ?? current);
  } catch (error) {
    const what = named ?? current;
    const remedy = named === undefined ? `: name the model that serves with --model, ${path} has none yet` : '';
    throw new AppError('invalid_argument', `there is no model ${what}${remedy}`, { cause: error });
  }
}

/**
 * Makes the fresh model the current one: it gets its version as name, then the link is replaced. Killed at any moment,
 * the link names the old model or the new one, whole. @throws AppError storage_failed
 */
export function promote({ path, current, fresh }: ModelsFolder, version: string): string {
  const folder = join(path, version);
  const link = `${current}.new`;
  withStorage(`promote ${fresh}`, () => {
    // a folder of this name has the same bytes
    if (lstatSync(folder, { throwIfNoEntry: false })) rmSync(fresh, { recursive: true });
    else renameSync(fresh, folder);
    syncFolder(path);
    rmSync(link, { force: true });
    symlinkSync(basename(folder), link);
    renameSync(link, current);
    syncFolder(path);
  });
  return folder;
}

/** Removes the fresh model. @throws AppError storage_failed */
export function discard({ fresh }: ModelsFolder): void {
  withStorage(`remove ${fresh}`, () => rmSync(fresh, { recursive: true, force: true }));
}

/** Sets the fresh model aside, in the place of the one that was rejected before. @throws AppError storage_failed */
export function reject({ fresh, rejected }: ModelsFolder): string {
  withStorage(`set ${fresh} aside`, () => replaceFolder(fresh, rejected, `${rejected}.old`));
  return rejected;
}
