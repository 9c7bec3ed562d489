/** A folder of models, whose link `current` names the served model; promoting a model renames one link. */
import { lstatSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { AppError } from '../../../lib/errors.ts';
import { replaceFolder, syncFolder, withStorage } from '../../../lib/files/durable-files.ts';

const CURRENT = 'current';

/** The locations of models that are not promoted. */
export interface ModelsFolder {
  readonly path: string;
  readonly current: string;
  /** Output folder of the last training; the next training replaces the folder. */
  readonly fresh: string;
  readonly rejected: string;
}

/**
 * Opens the folder of models, and creates a missing folder. @throws AppError invalid_argument if `current` is not a
 * link; storage_failed
 */
export function openModelsFolder(path: string): ModelsFolder {
  const current = join(path, CURRENT);
  withStorage(`create the folder ${path}`, () => mkdirSync(path, { recursive: true }));
  const found = lstatSync(current, { throwIfNoEntry: false });
  if (found && !found.isSymbolicLink())
    throw new AppError(
      'invalid_argument',
      `${current} is not a link to a model: move the folder to ${join(path, 'first')}, then run ln -s first ${current}`,
    );
  return { path, current, fresh: join(path, 'new'), rejected: join(path, 'rejected') };
}

/** Finds the folder of the serving model: `named`, or else the target of the link. @throws AppError invalid_argument */
export function findServing({ current, path }: ModelsFolder, named: string | undefined): string {
  try {
    return realpathSync(named ?? current);
  } catch (error) {
    if (named !== undefined) throw new AppError('invalid_argument', `there is no model ${named}`, { cause: error });
    throw new AppError('invalid_argument', `${path} has no model yet: name the serving model with --model`);
  }
}

/**
 * Makes the fresh model current: renames its folder to the model's version, then replaces the link. If the process is
 * killed at any moment, the link names a complete model, either the old or the fresh model. @throws AppError
 * storage_failed
 */
export function promote({ path, current, fresh }: ModelsFolder, version: string): string {
  const folder = join(path, version);
  const link = `${current}.new`;
  withStorage(`promote ${fresh}`, () => {
    // a folder with the same version has the same bytes
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

/** Moves the fresh model aside, replacing the previously rejected model. @throws AppError storage_failed */
export function reject({ fresh, rejected }: ModelsFolder): string {
  withStorage(`set ${fresh} aside`, () => replaceFolder(fresh, rejected, `${rejected}.old`));
  return rejected;
}
