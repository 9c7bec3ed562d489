/** Makes a mirror's tables, manifests and erasures those of the published index. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { copyFile, type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { replaceDurably, storageError, syncFolder, withStorage, writeDurably } from '../../lib/files/durable-files.ts';
import { appendErasures } from '../erase/erase-users.ts';
import { ERASED_KEY_FILE, Erasures } from '../erase/erasures.ts';
import { acceptedSums, writeAcceptedSums } from '../import/accepted-sums.ts';
import { readRange } from '../versions/files.ts';
import { withErasuresLock } from '../versions/lock.ts';
import {
  encodeManifest,
  findCurrentVersion,
  listVersions,
  MANIFEST_FILE,
  type Manifest,
  REMOVED_SUFFIX,
  writeCurrent,
} from '../versions/manifest.ts';
import { ORDER_FILE } from '../versions/version-order.ts';
import { findSharedKey, readErasures, writeKey } from './erasure-log.ts';
import {
  decodeIndex,
  EMPTY_INDEX,
  encodeIndex,
  type PublishedIndex,
  sizeOfParts,
  type TablePart,
} from './index-schema.ts';
import { MIRROR_FILE } from './missing-file.ts';
import type { IndexAt } from './published-index.ts';
import { findPublishedManifest } from './sweep.ts';
import { fetchPart } from './transfers.ts';

const stateSchema = z.object({ tag: z.string().nullable(), index: z.unknown() });

/** The index that a mirror has applied; the empty index with the tag null at first. @throws AppError storage_failed */
export function readApplied(folder: string): IndexAt {
  const path = join(folder, MIRROR_FILE);
  if (!existsSync(path)) return { tag: null, index: EMPTY_INDEX };
  const bytes = withStorage(`read ${path}`, () => readFileSync(path));
  try {
    const { tag, index } = stateSchema.parse(JSON.parse(bytes.toString('utf8')));
    return { tag, index: decodeIndex(Buffer.from(JSON.stringify(index)), path) };
  } catch {
    // after damage, compare all tables once more
    return { tag: null, index: EMPTY_INDEX };
  }
}

/** Records which index was applied. @throws AppError storage_failed */
export function writeApplied(folder: string, { tag, index }: IndexAt): void {
  const path = join(folder, MIRROR_FILE);
  const text = `{"tag":${JSON.stringify(tag)},"index":${Buffer.from(encodeIndex(index)).toString('utf8').trim()}}\n`;
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(text), `${path}.tmp`));
}

/**
 * Applies the index. The caller holds the mirror's lock. If the process is killed in between, the next call continues:
 * erasures come first, and a version appears after its tables. @throws AppError invalid_population, unavailable,
 * storage_failed
 */
export async function applyIndex(folder: string, files: BlobFiles, at: IndexAt): Promise<void> {
  const { index: before } = readApplied(folder);
  const { index } = at;
  await applyErasures(folder, files, index);
  const manifests = await missingManifests(folder, files, index);
  writeSums(folder, index);
  for (const [path, parts] of Object.entries(index.tables))
    if (JSON.stringify(before.tables[path]) !== JSON.stringify(parts) || !existsSync(join(folder, path)))
      await applyTable(files, join(folder, path), before.tables[path] ?? [], parts);
  for (const [manifest, publishedAt] of manifests) addVersion(folder, manifest, publishedAt);
  removeVersions(folder, index);
  writeOrder(folder, index);
  writeApplied(folder, at);
}

/** Adds the records of the log that the mirror lacks. Readers of the mirror see them at their next refresh. */
async function applyErasures(folder: string, files: BlobFiles, index: PublishedIndex): Promise<void> {
  const { count } = new Erasures(folder);
  if (count >= index.erasures.count) return;
  if (!existsSync(join(folder, ERASED_KEY_FILE))) {
    const key = await findSharedKey(files);
    if (key === null) throw new AppError('invalid_population', 'the key of the published erasures is gone');
    writeKey(folder, key);
  }
  const records = await readErasures(files, index, count);
  await withErasuresLock(folder, () => {
    const erasures = new Erasures(folder);
    // another process may have added the first records while these were being read
    appendErasures(folder, records.slice(erasures.count - count), erasures);
  });
}

async function missingManifests(
  folder: string,
  files: BlobFiles,
  index: PublishedIndex,
): Promise<readonly (readonly [Manifest, number])[]> {
  const known = new Set(listVersions(folder));
  const found: (readonly [Manifest, number])[] = [];
  for (const { version, published_at } of index.versions) {
    if (known.has(version)) continue;
    const manifest = await findPublishedManifest(files, version);
    if (manifest === null) throw new AppError('invalid_population', `the manifest of version ${version} is missing`);
    found.push([manifest, published_at]);
  }
  return found;
}

/** Both the sums before and the sums after ids are overwritten are accepted while the directory is replaced. */
function writeSums(folder: string, index: PublishedIndex): void {
  const recorded = Object.entries(index.sums);
  if (recorded.length === 0) return;
  const sums = recorded.map(
    ([old, now]) => [old, [...new Set([...acceptedSums(folder, old), now])].slice(-2)] as const,
  );
  withStorage(`write ${folder}`, () => writeAcceptedSums(folder, Object.fromEntries(sums)));
}

function addVersion(folder: string, manifest: Manifest, publishedAt: number): void {
  const target = join(folder, manifest.version);
  const path = join(target, MANIFEST_FILE);
  withStorage(`write ${path}`, () => {
    const temporary = `${target}.adding`;
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(join(temporary, 'segments'), { recursive: true });
    writeDurably(join(temporary, MANIFEST_FILE), encodeManifest(manifest));
    utimesSync(join(temporary, MANIFEST_FILE), publishedAt / 1000, publishedAt / 1000);
    syncFolder(temporary);
    renameSync(temporary, target);
    syncFolder(folder);
  });
}

function removeVersions(folder: string, index: PublishedIndex): void {
  const kept = new Set(index.versions.map(({ version }) => version));
  withStorage(`write ${folder}`, () => {
    for (const version of listVersions(folder)) {
      if (kept.has(version)) continue;
      const aside = join(folder, `${version}${REMOVED_SUFFIX}`);
      rmSync(aside, { recursive: true, force: true });
      renameSync(join(folder, version), aside);
      rmSync(aside, { recursive: true, force: true });
    }
  });
}

/** Writes the order of publication. The newest version becomes current if there is no current version. */
function writeOrder(folder: string, index: PublishedIndex): void {
  const newest = index.versions.at(-1)?.version;
  if (newest === undefined) return;
  const path = join(folder, ORDER_FILE);
  const text = index.versions.map(({ version }) => `${version}\n`).join('');
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(text), `${path}.tmp`));
  const current = findCurrentVersion(folder);
  if (current === null || !index.versions.some(({ version }) => version === current)) writeCurrent(folder, newest);
}

/**
 * Makes a table's file begin with the published parts. `before` contains the parts that the file is known to begin
 * with. Bytes are only appended, so a reader sees old or new bytes in each range. Only if ids were overwritten is the
 * file replaced.
 * @throws AppError invalid_population, storage_failed
 */
export async function applyTable(
  files: BlobFiles,
  path: string,
  before: readonly TablePart[],
  now: readonly TablePart[],
): Promise<void> {
  const oldSize = sizeOfParts(before);
  const hasOld = (statSync(path, { throwIfNoEntry: false })?.size ?? -1) >= oldSize && oldSize > 0;
  const same = hasOld ? countSame(before, now) : 0;
  const isGrown = hasOld && (await isContinued(files, path, now.slice(same), oldSize));
  withStorage(`write ${path}`, () => mkdirSync(dirname(path), { recursive: true }));
  if (isGrown) await append(files, path, now, oldSize);
  else await rebuild(files, path, now, same);
}

/** Number of equal parts at the beginning. */
function countSame(before: readonly TablePart[], now: readonly TablePart[]): number {
  const differs = now.findIndex((part, i) => before[i]?.start !== part.start || before[i]?.sha256 !== part.sha256);
  return differs < 0 ? now.length : differs;
}

/** Whether the file's first `oldSize` bytes are also the first bytes of the parts, whose boundaries may differ. */
async function isContinued(
  files: BlobFiles,
  path: string,
  parts: readonly TablePart[],
  oldSize: number,
): Promise<boolean> {
  for (const part of parts) {
    if (part.start >= oldSize) return true;
    const end = Math.min(oldSize, part.start + part.size);
    const bytes = await fetchPart(files, part);
    if (!readRange(path, part.start, end).equals(bytes.subarray(0, end - part.start))) return false;
  }
  return true;
}

async function append(files: BlobFiles, path: string, parts: readonly TablePart[], oldSize: number): Promise<void> {
  await writing(path, 'r+', async (file) => {
    // a killed process left the bytes after the known ones
    await file.truncate(oldSize);
    for (const part of parts) {
      if (part.start + part.size <= oldSize) continue;
      const from = Math.max(part.start, oldSize);
      await writeAt(file, (await fetchPart(files, part)).subarray(from - part.start), from);
    }
  });
}

/** Rewrites the file: its first `same` parts from the old file, the others from the blob storage. */
async function rebuild(files: BlobFiles, path: string, parts: readonly TablePart[], same: number): Promise<void> {
  const temporary = `${path}.tmp`;
  await storing(path, async () => {
    await rm(temporary, { force: true });
    if (same > 0) await copyFile(path, temporary);
  });
  await writing(temporary, same > 0 ? 'r+' : 'w', async (file) => {
    await file.truncate(sizeOfParts(parts.slice(0, same)));
    for (const part of parts.slice(same)) await writeAt(file, await fetchPart(files, part), part.start);
  });
  await storing(path, async () => {
    await rename(temporary, path);
    syncFolder(dirname(path));
  });
}

/** Opens a file for `write`, then makes it durable, without blocking other work. */
async function writing(path: string, flags: 'r+' | 'w', write: (file: FileHandle) => Promise<void>): Promise<void> {
  await storing(path, async () => {
    const file = await open(path, flags);
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
  });
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
}

async function storing(path: string, action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    throw storageError(`write ${path}`, error);
  }
}
