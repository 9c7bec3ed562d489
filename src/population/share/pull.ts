/**
 * Copies a published version, with all tables and erasures, into a population folder in which imports and updates can
 * run. Updates and imports elsewhere continue the user numbers that the published population has.
 */
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import { linkDurably, syncFolder, withStorage, writeDurably } from '../../lib/files/durable-files.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { Erasures } from '../erase/erasures.ts';
import { acceptedSums, writeAcceptedSums } from '../import/accepted-sums.ts';
import { redactErased, sumsOf } from '../import/redaction.ts';
import { readPrefix, readRange } from '../versions/files.ts';
import { asFirstWriter } from '../versions/lock.ts';
import {
  encodeManifest,
  findCurrentVersion,
  findLargestDirectory,
  listVersions,
  MANIFEST_FILE,
  type Manifest,
  type ManifestFile,
  readManifests,
  writeCurrent,
} from '../versions/manifest.ts';
import { recordPublished } from '../versions/version-order.ts';
import { differOnlyWhereRedacted, foreign } from './draft-tables.ts';
import { exchangeErasures, matchPulledUsers, requireOneKey } from './exchange-erasures.ts';
import { type PublishedIndex, sizeOfParts, type TablePart } from './index-schema.ts';
import { isMirror } from './missing-file.ts';
import { findPublishedManifest } from './sweep.ts';
import { extendTable } from './table-parts.ts';
import { DIRECTORY_BYTES, tablesOfFolder } from './table-source.ts';
import { eachOf, fetchPart, fetchVerified, isIntact } from './transfers.ts';

/** Folder in which a version is assembled. It stays after an interruption, so that no file is fetched twice. */
const PULLED_FOLDER = 'pulled';
const DIRECTORY_ENDS = 'directory.ends';
const END_BYTES = Uint32Array.BYTES_PER_ELEMENT;

export interface PullReport {
  readonly version: string;
  readonly users: number;
  /** Number and size of the files that were fetched. */
  readonly files: number;
  readonly bytes: number;
}

/**
 * Copies a published version (by default the newest) into a folder, and makes it the folder's current and newest
 * version. An interrupted call can be repeated. @throws AppError invalid_argument (nothing is published, or the folder
 * is a mirror), invalid_population (the folder does not continue the published population), unavailable, storage_failed
 */
export async function pullPopulation(
  files: BlobFiles,
  folder: string,
  version: string | null,
  onProgress: (progress: { readonly files: number; readonly of: number }) => void = () => {},
): Promise<PullReport> {
  if (isMirror(folder))
    throw new AppError('invalid_argument', `${folder} is a mirror, which follows the published population by itself`);
  return await asFirstWriter(folder, async () => {
    const { index } = await exchangeErasures(folder, files);
    const wanted = version ?? index.versions.at(-1)?.version;
    const published = index.versions.find((one) => one.version === wanted);
    if (published === undefined)
      throw new AppError(
        'invalid_argument',
        wanted === undefined ? 'no population is published' : `version ${wanted} is not published`,
      );
    await requireOneKey(folder, files);
    const manifest = await findPublishedManifest(files, published.version);
    if (manifest === null)
      throw new AppError('invalid_population', `the manifest of version ${published.version} is missing`);
    const first = ownUsers(folder);
    await pullTables(files, folder, index);
    if (await matchPulledUsers(folder, first, textsFrom(folder, index, first))) await exchangeErasures(folder, files);
    const fetched = await pullFiles(files, folder, manifest, onProgress);
    acceptSums(folder, index);
    makeVisible(folder, manifest, published.published_at);
    redactErased(folder, new Erasures(folder));
    return { version: manifest.version, users: manifest.rows, ...fetched };
  });
}

/** Appends the strings that the folder lacks, after checking that its own strings are the published strings. */
async function pullTables(files: BlobFiles, folder: string, index: PublishedIndex): Promise<void> {
  const own = ownSizes(folder);
  if (own.size > 0) redactErased(folder, new Erasures(folder));
  const directory = own.size > 0 ? tablesOfFolder(folder).directory : null;
  for (const [path, parts] of Object.entries(index.tables)) {
    const size = own.get(path) ?? 0;
    for (const part of parts.filter(({ start }) => start < size)) {
      const end = Math.min(size, part.start + part.size);
      const theirs = (await fetchPart(files, part)).subarray(0, end - part.start);
      const ours = readRange(join(folder, path), part.start, end);
      const isSame =
        ours.equals(theirs) ||
        (path === DIRECTORY_BYTES && differOnlyWhereRedacted(directory!, part.start, theirs, ours));
      if (!isSame) throw foreign(folder, path);
    }
    if (size < sizeOfParts(parts) || !existsSync(join(folder, path)))
      await extendTable(files, join(folder, path), parts as readonly TablePart[], size);
  }
}

/** The ids of the published directory from user number `first` on. */
function textsFrom(folder: string, { tables }: PublishedIndex, first: number): TextTable {
  const sizeOf = (path: string) => sizeOfParts(tables[path] ?? []);
  const ends = readRange(
    join(folder, DIRECTORY_ENDS),
    first * END_BYTES,
    Math.max(first * END_BYTES, sizeOf(DIRECTORY_ENDS)),
  );
  const before =
    first === 0
      ? 0
      : readRange(join(folder, DIRECTORY_ENDS), (first - 1) * END_BYTES, first * END_BYTES).readUInt32LE();
  const bytes = readRange(join(folder, DIRECTORY_BYTES), before, Math.max(before, sizeOf(DIRECTORY_BYTES)));
  const offsets = new Uint32Array(new Uint8Array(ends).buffer).map((end) => end - before);
  return new TextTable(new Uint8Array(bytes), offsets);
}

/** Number of user numbers that the folder's versions record. */
function ownUsers(folder: string): number {
  return findLargestDirectory(folder)?.count ?? 0;
}

/** The largest recorded size of each table's file. */
function ownSizes(folder: string): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { directory, dictionaries } of readManifests(folder))
    for (const { path, size } of [directory, ...dictionaries].flatMap(({ bytes, ends }) => [bytes, ends]))
      sizes.set(path, Math.max(size, sizes.get(path) ?? 0));
  return sizes;
}

/** Accepts the sums of the directory as it is now, for all versions whose recorded sums no longer hold. */
function acceptSums(folder: string, index: PublishedIndex): void {
  const recorded = [
    ...index.versions,
    ...readManifests(folder).map(({ directory }) => ({ directory: directory.bytes })),
  ]
    .map(({ directory }) => directory)
    .sort((a, b) => a.size - b.size);
  const size = recorded.at(-1)!.size;
  const bytes = readPrefix(join(folder, DIRECTORY_BYTES), size);
  if (bytes === null) throw new AppError('invalid_population', `${join(folder, DIRECTORY_BYTES)} is too short`);
  const now = sumsOf(bytes, recorded);
  const sums = recorded.flatMap(({ sha256 }, i) => {
    const accepted = new Set([...acceptedSums(folder, sha256), now[i]!]);
    return now[i] === sha256 ? [] : [[sha256, [...accepted]] as const];
  });
  if (sums.length > 0) withStorage(`write ${folder}`, () => writeAcceptedSums(folder, Object.fromEntries(sums)));
}

async function pullFiles(
  files: BlobFiles,
  folder: string,
  manifest: Manifest,
  onProgress: (progress: { readonly files: number; readonly of: number }) => void,
): Promise<{ files: number; bytes: number }> {
  const target = join(folder, PULLED_FOLDER, manifest.version);
  withStorage(`write ${target}`, () => mkdirSync(join(target, 'segments'), { recursive: true }));
  const owned = ownFiles(folder);
  const wanted = [manifest.row_of, ...manifest.segments];
  const fetched = { files: 0, bytes: 0 };
  let done = 0;
  await eachOf(wanted, async (file) => {
    const path = join(target, file.path);
    const own = owned.get(file.sha256);
    if (!(await isIntact(path, file))) {
      withStorage(`write ${path}`, () => rmSync(path, { force: true }));
      if (own !== undefined && (await isIntact(own, file))) withStorage(`write ${path}`, () => linkDurably(own, path));
      else {
        await fetchVerified(files, file, path);
        fetched.files += 1;
        fetched.bytes += file.size;
      }
    }
    done += 1;
    onProgress({ files: done, of: wanted.length });
  });
  return fetched;
}

/** The paths of the folder's segments by sha256. */
function ownFiles(folder: string): Map<string, string> {
  return new Map(
    readManifests(folder).flatMap(({ version, segments }) =>
      segments.map(({ sha256, path }: ManifestFile) => [sha256, join(folder, version, path)] as const),
    ),
  );
}

function makeVisible(folder: string, manifest: Manifest, publishedAt: number): void {
  const { version } = manifest;
  const pulled = join(folder, PULLED_FOLDER, version);
  withStorage(`write ${folder}`, () => {
    if (!listVersions(folder).includes(version)) {
      const path = join(pulled, MANIFEST_FILE);
      writeDurably(path, encodeManifest(manifest), 'w');
      utimesSync(path, publishedAt / 1000, publishedAt / 1000);
      syncFolder(join(pulled, 'segments'));
      syncFolder(pulled);
      renameSync(pulled, join(folder, version));
    }
    rmSync(join(folder, PULLED_FOLDER), { recursive: true, force: true });
    syncFolder(folder);
  });
  recordPublished(folder, version);
  if (findCurrentVersion(folder) !== version) writeCurrent(folder, version);
}
