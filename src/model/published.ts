/**
 * The published models in a blob storage: publishes model folders, lists and fetches them, and removes unneeded ones.
 * Files that models have in common are stored once, by their sha256. The manifest is stored last, so every model that
 * can be found is complete.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobFileEntry, BlobFiles, RecordedFile, RecordedFiles } from '../domain/ports/blob-files.ts';
import { AppError } from '../lib/errors.ts';
import { createFolder, storageError, syncFile, syncFolder, withStorage } from '../lib/files/durable-files.ts';
import { isInside, MANIFEST_FILE, parseManifest, readManifest, readModelFolder, refused } from './folder.ts';
import type { Manifest } from './manifest.ts';
import { findModel, isModelVersion, type ModelSummary, newestFirst } from './versions.ts';

const FILES_PREFIX = 'models/files/';
const MANIFESTS_PREFIX = 'models/manifests/';
/** Markers of running removals of unused files. */
const SWEEP_PREFIX = 'models/sweeps/';
const SUFFIX = '.json';

const manifestName = (version: string): string => `${MANIFESTS_PREFIX}${version}${SUFFIX}`;
const versionOfManifest = (name: string): string => name.slice(MANIFESTS_PREFIX.length, -SUFFIX.length);

/** How often a publication checks whether a removal of files has ended, and the maximum number of checks. */
const LOOK_MS = 500;
const LOOKS = 120;

export interface ModelPublication {
  readonly version: string;
  /** Number of files that had to be stored. */
  readonly files: number;
}

/**
 * Publishes a model folder after checking all its files. Files that are already stored are skipped, so an interrupted
 * call can be repeated.
 * @throws AppError invalid_model, storage_failed
 */
export async function publishModelFolder(files: BlobFiles, path: string): Promise<ModelPublication> {
  const { manifest, read } = readModelFolder(path);
  const storeMissing = async (): Promise<number> => {
    const known = new Set((await files.list(FILES_PREFIX)).map(({ name }) => name));
    let stored = 0;
    for (const [file, sha256] of Object.entries(manifest.files)) {
      const name = FILES_PREFIX + sha256;
      if (known.has(name)) continue;
      // these are the checked bytes, even if the file is replaced meanwhile
      await files.put(name, read(file));
      known.add(name);
      stored += 1;
    }
    return stored;
  };
  const stored = await storeMissing();
  const bytes = withStorage(`read ${path}`, () => readFileSync(join(path, MANIFEST_FILE)));
  await files.put(manifestName(manifest.version), bytes, 'if-absent');
  // a removal that had read the manifests before this one was stored may have deleted files that this model shares
  for (let look = 0; look < LOOKS && (await files.list(SWEEP_PREFIX)).length > 0; look++) await sleep(LOOK_MS);
  return { version: manifest.version, files: stored + (await storeMissing()) };
}

/** Describes the published models by their manifests. Manifests never change, so each is read once. */
export class PublishedModels {
  readonly #files: BlobFiles;
  /** Manifests by version; null for invalid ones. */
  readonly #manifests = new Map<string, Manifest | null>();

  constructor(files: BlobFiles) {
    this.#files = files;
  }

  /** All published models with valid manifests, newest first. @throws AppError storage_failed */
  async list(): Promise<readonly ModelSummary[]> {
    const stored = await this.#files.list(FILES_PREFIX);
    const sizes = new Map(stored.map(({ name, sizeBytes }) => [name, sizeBytes]));
    const found: ModelSummary[] = [];
    for (const { name, sizeBytes, putAt: publishedAt } of await this.#files.list(MANIFESTS_PREFIX)) {
      const manifest = await this.#manifestOf(name);
      if (manifest === null) continue;
      const bytes = Object.values(manifest.files).map((sha256) => sizes.get(FILES_PREFIX + sha256) ?? 0);
      found.push({ manifest, publishedAt, bytes: bytes.reduce((sum, size) => sum + size, sizeBytes) });
    }
    return found.sort(newestFirst);
  }

  async #manifestOf(name: string): Promise<Manifest | null> {
    const version = versionOfManifest(name);
    const known = this.#manifests.get(version);
    if (known !== undefined || !isModelVersion(version)) return known ?? null;
    const found = await this.#files.find(name);
    if (found === null) return null;
    const manifest = validManifest(name, found.data);
    this.#manifests.set(version, manifest);
    return manifest;
  }
}

/**
 * The files of all published models with their recorded sha256, according to the manifests.
 * @throws AppError storage_failed
 */
export async function listModelFiles(files: BlobFiles): Promise<RecordedFiles> {
  const found: RecordedFile[] = [];
  const faults: { name: string; message: string }[] = [];
  const manifests = await files.list(MANIFESTS_PREFIX);
  for (const { name } of manifests) {
    const stored = await files.find(name);
    const manifest = stored && validManifest(name, stored.data);
    if (manifest === null) faults.push({ name, message: stored ? 'the manifest is not valid' : 'the file is missing' });
    else
      for (const [path, sha256] of Object.entries(manifest.files))
        found.push({ name: FILES_PREFIX + sha256, sha256, neededBy: `model ${manifest.version}, ${path}` });
  }
  return { versions: manifests.length, files: found, faults };
}

function validManifest(name: string, data: Uint8Array): Manifest | null {
  try {
    return parseManifest(name, data);
  } catch (error) {
    // such a model cannot be served, but must not hide the others
    if (error instanceof AppError) return null;
    throw error;
  }
}

/**
 * Copies a published model into a folder of models, under its version, completely or not at all, and verifies it.
 * Returns the path of the copy. An existing copy stays unchanged.
 * @throws AppError model_not_found, invalid_model (damaged), storage_failed
 */
export async function pullModel(files: BlobFiles, version: string, models: string): Promise<string> {
  const existing = findModel(models, version);
  if (existing !== null) return existing;
  const found = isModelVersion(version) ? await files.find(manifestName(version)) : null;
  if (found === null) throw new AppError('model_not_found', `model ${version} is not published`);
  const path = join(resolve(models), version);
  const temporary = `${path}.pulling-${randomUUID()}`;
  try {
    createFolder(temporary);
    await writeFile(join(temporary, MANIFEST_FILE), found.data, { flush: true });
    for (const [file, sha256] of Object.entries(readManifest(temporary).files)) {
      if (!isInside(file)) throw refused(temporary, `the file name "${file}" points outside the folder`);
      const target = join(temporary, file);
      await mkdir(dirname(target), { recursive: true });
      await files.fetchFile(FILES_PREFIX + sha256, target);
      syncFile(target);
    }
    readModelFolder(temporary);
    syncFolder(temporary);
    await rename(temporary, path);
    syncFolder(resolve(models));
    return path;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => {});
    // another process was faster
    const copy = findModel(models, version);
    if (copy !== null) return copy;
    throw storageError(`fetch the model ${version} to ${path}`, error);
  }
}

/** A removal ends after this time even if unused files are left, because publications wait for it. */
const SWEEP_MS = 30_000;

export interface PruneModelsOptions {
  /** Number of newest models to keep, and how long every model is kept after its publication. */
  readonly keep: number;
  readonly keptMs: number;
  /** The models that are needed now, which are kept. */
  readonly needed: () => Promise<readonly string[]>;
  readonly clock: { now(): number; elapsed(): number };
}

export interface PrunedModels {
  readonly models: readonly string[];
  /** Number and size of the deleted files, without manifests. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes published models that are old, have newer ones, and are not named by `needed`. If a model becomes needed
 * meanwhile, it is restored before any of its files is deleted.
 * @throws AppError storage_failed
 */
export async function prunePublishedModels(
  files: BlobFiles,
  { keep, keptMs, needed, clock }: PruneModelsOptions,
): Promise<PrunedModels> {
  const newestFirst = [...(await files.list(MANIFESTS_PREFIX))].sort((a, b) => b.putAt - a.putAt);
  const inUse = new Set(await needed());
  const old = newestFirst
    .slice(keep)
    .filter(({ name, putAt }) => !inUse.has(versionOfManifest(name)) && clock.now() - putAt >= keptMs);
  const models = await removeManifests(files, old, needed);
  const marker = `${SWEEP_PREFIX}${randomUUID()}`;
  await files.put(marker, Buffer.from('a removal is running\n'));
  try {
    return { models, ...(await removeUnused(files, clock.elapsed() + SWEEP_MS, clock)) };
  } finally {
    await files.deleteFile(marker);
  }
}

/** Removes manifests, and restores those that have become needed. Returns the versions that are gone. */
async function removeManifests(
  files: BlobFiles,
  old: readonly BlobFileEntry[],
  needed: () => Promise<readonly string[]>,
): Promise<string[]> {
  const removed = new Map<string, Uint8Array>();
  for (const { name } of old) {
    const found = await files.find(name);
    if (found === null) continue;
    await files.deleteFile(name);
    removed.set(versionOfManifest(name), found.data);
  }
  if (removed.size === 0) return [];
  for (const version of await needed()) {
    const data = removed.get(version);
    if (data === undefined) continue;
    await files.put(manifestName(version), data, 'if-absent');
    removed.delete(version);
  }
  return [...removed.keys()];
}

async function removeUnused(
  files: BlobFiles,
  until: number,
  { elapsed }: { elapsed(): number },
): Promise<{ readonly files: number; readonly bytes: number }> {
  const stored = await files.list(FILES_PREFIX);
  const { files: recorded, faults } = await listModelFiles(files);
  const removed = { files: 0, bytes: 0 };
  // it is unknown which files an unreadable manifest needs
  if (faults.length > 0) return removed;
  const used = new Set(recorded.map(({ name }) => name));
  for (const { name, sizeBytes } of stored) {
    if (used.has(name) || elapsed() > until) continue;
    await files.deleteFile(name);
    removed.files += 1;
    removed.bytes += sizeBytes;
  }
  return removed;
}
