/**
 * Promotes models: puts a model into a folder of models under its version, and then makes it the served model (in the
 * data folder of a service) or the current model (in the folder of `metaheac retrain`).
 */
import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { copyFile, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../lib/errors.ts';
import { createFolder, replaceFolder, storageError, syncFolder, withStorage } from '../lib/files/durable-files.ts';
import { awaitFileLock } from '../lib/files/file-lock.ts';
import { MANIFEST_FILE, readManifest, readModelFolder } from './folder.ts';
import { findModel, readServedModels, writeServedModels } from './versions.ts';

/** Error codes of `rename` if the target folder already exists. */
const IS_THERE: ReadonlySet<string> = new Set(['EEXIST', 'ENOTEMPTY']);
const PROMOTE_LOCK = 'promote.lock';
/** Time limit for another promotion to finish copying a model. */
const LOCK_WAIT_MS = 30_000;
/** The link in a `ModelsFolder` to the current model. */
const CURRENT = 'current';

/**
 * Copies a model into the data folder under its version, completely or not at all. An existing copy is not changed. The
 * event loop is not blocked, and the copy is not verified.
 * @throws AppError invalid_model, storage_failed
 */
export async function publishModel(models: string, from: string): Promise<string> {
  const manifest = readManifest(from);
  const path = join(resolve(models), manifest.version);
  if (findModel(models, manifest.version) !== null) return path;
  // the name does not use the process id, because processes in two containers may have the same id
  const temporary = `${path}.copying-${randomUUID()}`;
  try {
    createFolder(resolve(models));
    for (const file of [...Object.keys(manifest.files), MANIFEST_FILE]) {
      const target = join(temporary, file);
      await mkdir(dirname(target), { recursive: true });
      await copyFile(join(from, file), target);
      const handle = await open(target, 'r+');
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
    syncFolder(temporary);
    await rename(temporary, path);
    syncFolder(resolve(models));
    return path;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    // another process was faster, so its copy is kept
    if (IS_THERE.has((error as NodeJS.ErrnoException).code ?? '') && findModel(models, manifest.version) !== null)
      return path;
    throw storageError(`copy the model ${from} to ${path}`, error);
  }
}

/**
 * Like `publishModel`, but verifies the copy against the checksums of the manifest, and replaces a damaged copy. Only
 * one promotion copies at a time, so that no promotion finds a partial copy.
 * @throws AppError unavailable, invalid_model, storage_failed
 */
export async function publishVerified(models: string, from: string): Promise<void> {
  withStorage(`create the folder ${models}`, () => createFolder(resolve(models)));
  const unlock = await awaitFileLock(join(models, PROMOTE_LOCK), LOCK_WAIT_MS);
  if (unlock === null)
    throw new AppError('unavailable', `another promotion is using ${models}: try again when that promotion has ended`);
  try {
    readModelFolder(await publishModel(models, from));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_model') throw error;
    await rm(join(models, readManifest(from).version), { recursive: true, force: true });
    readModelFolder(await publishModel(models, from));
  } finally {
    unlock();
  }
}

/**
 * Makes a model the served model from the next time a service starts. The caller must hold the data folder's lock.
 * @throws AppError storage_failed
 */
export function recordPromotion(models: string, version: string, now: number): void {
  const { base, history } = readServedModels(models) ?? { base: null, history: [] };
  if (history.at(-1)?.version === version) return;
  const activated_at = new Date(now).toISOString();
  writeServedModels(models, { base, history: [...history, { version, activated_at, check: null }] });
}

/**
 * The folder in which `metaheac retrain` works: the link to the current model, and the paths of models that are not
 * promoted.
 */
export interface ModelsFolder {
  readonly path: string;
  readonly current: string;
  /** Output folder of the last training run; the next run replaces the folder. */
  readonly fresh: string;
  readonly rejected: string;
}

/**
 * Opens the folder of models, and creates the folder if it is missing. @throws AppError invalid_argument if `current`
 * is not a link; storage_failed
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
export function promoteFresh({ path, current, fresh }: ModelsFolder, version: string): string {
  const folder = join(path, version);
  const link = `${current}.new`;
  withStorage(`promote ${fresh}`, () => {
    // a folder with the same version has the same bytes
    if (lstatSync(folder, { throwIfNoEntry: false })) rmSync(fresh, { recursive: true });
    else renameSync(fresh, folder);
    syncFolder(path);
    rmSync(link, { force: true });
    symlinkSync(version, link);
    renameSync(link, current);
    syncFolder(path);
  });
  return folder;
}

/** Removes the fresh model. @throws AppError storage_failed */
export function discardFresh({ fresh }: ModelsFolder): void {
  withStorage(`remove ${fresh}`, () => rmSync(fresh, { recursive: true, force: true }));
}

/** Moves the fresh model aside, replacing the previously rejected model. @throws AppError storage_failed */
export function rejectFresh({ fresh, rejected }: ModelsFolder): string {
  withStorage(`set ${fresh} aside`, () => replaceFolder(fresh, rejected, `${rejected}.old`));
  return rejected;
}
