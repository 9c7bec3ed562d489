/** The models of a data folder: a folder per version, and a file that names the version that is served. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { MAXIMUM_HISTORY } from '../domain/served.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import { createFolder, replaceDurably, withStorage } from '../lib/files/durable-files.ts';
import { MANIFEST_FILE, readManifest } from './folder.ts';
import type { Manifest } from './manifest.ts';

/** The folder of models in a data folder. */
export const MODELS_FOLDER = 'models';
/**
 * The file that says which model is served. It is replaced atomically, so a crash leaves either the old file or the new
 * one.
 */
export const SERVED_FILE = 'served.json';
const VERSION = /^[0-9a-f]{12}$/;

/** How and when a model began to be served. */
const servedModelSchema = z.object({
  version: z.string().regex(VERSION),
  /** Time of the change, RFC 3339; null for the model of `--model`. */
  activated_at: z.string().nullable(),
  /** The check that was made before the model was served, as in the API; null if there was no check. */
  check: z.unknown(),
});

const servedSchema = z.object({
  /** The version of `--model`; null if no service has started with the data folder since the promotion. */
  base: z.string().regex(VERSION).nullable(),
  /** The last entry is the served model; the entries before it were served earlier. */
  history: z.array(servedModelSchema).min(1),
});

export type ServedModel = z.output<typeof servedModelSchema>;
export type ServedModels = z.output<typeof servedSchema>;

/** A model of the data folder. */
export interface ModelSummary {
  readonly manifest: Manifest;
  /** When the model's files were written, in ms since 1970. */
  readonly publishedAt: number;
  readonly bytes: number;
}

export function isModelVersion(name: string): boolean {
  return VERSION.test(name);
}

/** The folder of a version; null if it does not exist. */
export function findModel(models: string, version: string): string | null {
  const path = join(models, version);
  return VERSION.test(version) && existsSync(join(path, MANIFEST_FILE)) ? path : null;
}

/** All models that can be read, newest first. */
export function listModels(models: string): ModelSummary[] {
  if (!existsSync(models)) return [];
  const names = withStorage(`list ${models}`, () => readdirSync(models));
  return names
    .filter((name) => findModel(models, name) !== null)
    .map((name) => summarise(join(models, name)))
    .filter((one) => one !== null)
    .sort(newestFirst);
}

/** The order of lists of models. */
export function newestFirst(a: ModelSummary, b: ModelSummary): number {
  return b.publishedAt - a.publishedAt || (a.manifest.version < b.manifest.version ? -1 : 1);
}

/** Returns null if the manifest is damaged. Such a model cannot be served, and must not hide the other models. */
export function summarise(path: string): ModelSummary | null {
  try {
    const manifest = readManifest(path);
    const files = [MANIFEST_FILE, ...Object.keys(manifest.files)];
    const bytes = files.reduce(
      (sum, file) => sum + (statSync(join(path, file), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
    return { manifest, publishedAt: statSync(join(path, MANIFEST_FILE)).mtimeMs, bytes };
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}

/**
 * Reads which model is served; null if no model was ever promoted.
 * @throws AppError storage_failed if the file is damaged
 */
export function readServedModels(models: string): ServedModels | null {
  const file = join(models, SERVED_FILE);
  if (!existsSync(file)) return null;
  try {
    return servedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new AppError('storage_failed', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Writes which model is served; the change is durable when the function returns. The caller must hold the data folder's
 * lock.
 * @throws AppError storage_failed
 */
export function writeServedModels(models: string, { base, history }: ServedModels): void {
  const file = join(models, SERVED_FILE);
  const text = `${JSON.stringify({ base, history: history.slice(-MAXIMUM_HISTORY) }, null, 1)}\n`;
  withStorage(`write ${file}`, () => {
    createFolder(resolve(models));
    replaceDurably(file, Buffer.from(text), `${file}.new`);
  });
}
