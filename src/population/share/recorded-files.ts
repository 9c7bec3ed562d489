/** Lists the stored files of a published population with their recorded sha256, so that they can be verified. */
import type { BlobFiles, RecordedFile, RecordedFiles } from '../../domain/ports/blob-files.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { type Manifest, ownFiles } from '../versions/manifest.ts';
import { findSharedKey } from './erasure-log.ts';
import {
  erasuresName,
  fileName,
  INDEX_NAME,
  KEY_NAME,
  manifestName,
  type PublishedIndex,
  sizeOfParts,
} from './index-schema.ts';
import { readIndex } from './published-index.ts';
import { findPublishedManifest } from './sweep.ts';
import { listUserSides, type StoredUserSideFile } from './user-side-store.ts';

export interface RecordedPopulation extends RecordedFiles {
  /** In any order; one that several versions need occurs once for each. */
  readonly userSides: readonly StoredUserSideFile[];
}

/**
 * The files of all published versions, of the tables and of the log of erasures. The index and the manifests are read;
 * their contents are verified thereby. User sides have no recorded sha256, but each has a checksum and a key.
 * @throws AppError storage_failed
 */
export async function listRecordedFiles(files: BlobFiles): Promise<RecordedPopulation> {
  const found = new FileCollector();
  const index = await found.reading(INDEX_NAME, async () => (await readIndex(files)).index);
  if (index === null) return { versions: 0, userSides: [], ...found };
  for (const [path, parts] of Object.entries(index.tables))
    for (const { start, size, sha256 } of parts)
      found.add(fileName(sha256), sha256, `${path}, bytes ${start} to ${start + size}`);
  for (const { version } of index.versions) {
    const name = manifestName(version);
    const manifest = await found.reading(name, () => findPublishedManifest(files, version));
    if (manifest === null) continue;
    for (const { path, sha256 } of ownFiles(manifest))
      found.add(fileName(sha256), sha256, `version ${version}, ${path}`);
    checkTables(manifest, index, found);
  }
  for (const { first, count, sha256 } of index.erasures.parts)
    found.add(erasuresName(first, sha256), sha256, `erasures ${first} to ${first + count}`);
  if (index.erasures.count > 0) await found.reading(KEY_NAME, () => findSharedKey(files));
  const userSides = await listUserSides(files, new Set(index.versions.map(({ version }) => version)));
  found.faults.push(...userSides.faults);
  return { versions: index.versions.length, userSides: userSides.files, ...found };
}

/** Collects files, and records faults of files that cannot be read. */
class FileCollector {
  readonly files: RecordedFile[] = [];
  readonly faults: { readonly name: string; readonly message: string }[] = [];

  add(name: string, sha256: string, neededBy: string): void {
    this.files.push({ name, sha256, neededBy });
  }

  /** The result of reading a small file; null if it is missing or invalid, which is a fault. */
  async reading<T>(name: string, read: () => Promise<T | null>): Promise<T | null> {
    try {
      const result = await read();
      if (result === null) this.faults.push({ name, message: 'the file is missing' });
      return result;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'invalid_population') throw error;
      this.faults.push({ name, message: messageOf(error) });
      return null;
    }
  }
}

/** Checks that the published tables have no gap, and are long enough for a version. */
function checkTables(
  { version, directory, dictionaries }: Manifest,
  { tables }: PublishedIndex,
  found: FileCollector,
): void {
  for (const { path, size } of [directory, ...dictionaries].flatMap(({ bytes, ends }) => [bytes, ends])) {
    const parts = tables[path] ?? [];
    const isWhole = parts.every(({ start }, i) => start === sizeOfParts(parts.slice(0, i)));
    if (!isWhole || sizeOfParts(parts) < size)
      found.faults.push({ name: INDEX_NAME, message: `${path} lacks bytes that version ${version} needs` });
  }
}
