/**
 * Splits the tables of a version into parts for the index, after checking that they continue the published tables. A
 * new version only adds parts. Earlier parts change only if the ids of erased users are overwritten in them.
 */
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { sumsOf } from '../import/redaction.ts';
import { readTable } from '../import/table-files.ts';
import { readRange, sha256 } from '../versions/files.ts';
import { findLargestDirectory, type Manifest, type ManifestTable } from '../versions/manifest.ts';
import { type PublishedIndex, type PublishedVersion, sizeOfParts, type TablePart } from './index-schema.ts';
import { fetchPart } from './transfers.ts';

/** Maximum size of a part. Overwriting an id replaces a whole part. */
const PART_BYTES = 8 * 1024 * 1024;
/**
 * If the last part is smaller than this, it is stored again together with what a version adds, which limits the number
 * of parts.
 */
const SMALLEST_PART_BYTES = 1024 * 1024;

/** Path of the directory's bytes, in every population folder and in the index. */
const DIRECTORY_BYTES = 'directory.bytes';

export interface TableSource {
  /** Name of the source in error messages. */
  readonly name: string;
  readonly directory: TextTable;
  /** Returns bytes of a table's file: fewer if the file is shorter, none if it does not exist. */
  read(path: string, start: number, end: number): Uint8Array;
}

/** The tables of a population folder. @throws AppError invalid_population */
export function tablesOfFolder(folder: string): TableSource {
  const recorded = findLargestDirectory(folder);
  if (recorded === null) throw new AppError('invalid_population', `${folder} is not a population: it has no version`);
  return {
    name: folder,
    directory: readTable(folder, recorded),
    read: (path, start, end) => readIfThere(folder, path, start, end),
  };
}

/** Tables in memory, as recorded in a manifest. Other published tables are in `folder`. */
export function tablesInMemory(
  folder: string,
  directory: TextTable,
  tables: readonly { readonly recorded: ManifestTable; readonly table: TextTable }[],
): TableSource {
  const inMemory = new Map(
    tables.flatMap(({ recorded, table: { bytes, ends } }) => [
      [recorded.bytes.path, bytes],
      [recorded.ends.path, new Uint8Array(ends.buffer, ends.byteOffset, ends.byteLength)],
    ]),
  );
  return {
    name: 'the import',
    directory,
    read: (path, start, end) => inMemory.get(path)?.subarray(start, end) ?? readIfThere(folder, path, start, end),
  };
}

export interface TablesDraft {
  readonly tables: PublishedIndex['tables'];
  /** Parts whose ids were overwritten since they were published. */
  readonly replaced: readonly TablePart[];
  readonly sums: PublishedIndex['sums'];
}

/**
 * The tables of the next index: those that were published, and the strings that `manifest` adds. `versions` are the
 * versions of the next index. @throws AppError invalid_population if the tables do not continue the published tables
 */
export async function draftTables(
  source: TableSource,
  files: BlobFiles,
  index: PublishedIndex,
  versions: readonly PublishedVersion[],
  manifest: Manifest | null,
): Promise<TablesDraft> {
  const tables: Record<string, readonly TablePart[]> = {};
  const replaced: TablePart[] = [];
  const sizes = sizesOf(index, manifest);
  for (const [path, size] of sizes) {
    const published = index.tables[path] ?? [];
    const { parts, changed } = await cutTable((start, end) => source.read(path, start, end), published, size);
    for (const part of changed)
      if (path !== DIRECTORY_BYTES || !(await isOnlyRedacted(source, files, part))) throw foreign(source.name, path);
    replaced.push(...changed);
    tables[path] = parts;
  }
  return { tables: tables as PublishedIndex['tables'], replaced, sums: currentSums(source.directory, versions) };
}

interface CutTable {
  readonly parts: readonly TablePart[];
  /** Published parts whose bytes differ in this file. */
  readonly changed: readonly TablePart[];
}

/**
 * Splits the first `size` bytes of a table's file, read with `read`, into parts. Published parts keep their ranges.
 * `published` must not be longer than `size`.
 */
async function cutTable(
  read: (start: number, end: number) => Uint8Array,
  published: readonly TablePart[],
  size: number,
): Promise<CutTable> {
  const parts: TablePart[] = [];
  const changed: TablePart[] = [];
  const add = async (start: number, end: number) => {
    const own = { start, size: end - start, sha256: sha256(read(start, end)) };
    parts.push(own);
    await setImmediate();
    return own;
  };
  for (const part of published) {
    const own = await add(part.start, part.start + part.size);
    if (own.sha256 !== part.sha256) changed.push(part);
  }
  const last = parts.at(-1);
  if (last !== undefined && last.size < SMALLEST_PART_BYTES && sizeOfParts(parts) < size) parts.pop();
  for (let start = sizeOfParts(parts); start < size; ) {
    const end = Math.min(size, start + PART_BYTES);
    await add(start, end);
    start = end;
  }
  return { parts, changed };
}

/** The size of each table's file in the next index. */
function sizesOf(index: PublishedIndex, manifest: Manifest | null): Map<string, number> {
  const sizes = new Map(Object.entries(index.tables).map(([path, parts]) => [path, sizeOfParts(parts)]));
  const added = manifest === null ? [] : [manifest.directory, ...manifest.dictionaries];
  for (const { path, size } of added.flatMap(({ bytes, ends }) => [bytes, ends]))
    sizes.set(path, Math.max(size, sizes.get(path) ?? 0));
  return sizes;
}

/** Whether all bytes that differ from a published part belong to ids that are overwritten in the source. */
async function isOnlyRedacted(source: TableSource, files: BlobFiles, part: TablePart): Promise<boolean> {
  const ours = source.read(DIRECTORY_BYTES, part.start, part.start + part.size);
  const theirs = await fetchPart(files, part);
  return theirs.length === ours.length && differOnlyWhereRedacted(source.directory, part.start, theirs, ours);
}

/** Whether all bytes that differ belong to ids that are overwritten in `table`. `start` is their position in it. */
function differOnlyWhereRedacted(table: TextTable, start: number, theirs: Uint8Array, ours: Uint8Array): boolean {
  let id = firstEndingAfter(table.ends, start);
  for (let at = 0; at < ours.length; at++) {
    if (theirs[at] === ours[at]) continue;
    while (table.ends[id]! <= start + at) id += 1;
    if (!table.isRedacted(id)) return false;
  }
  return true;
}

/** The index of the first id that ends after a position. */
function firstEndingAfter(ends: Uint32Array, position: number): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ends[middle]! <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The sums that hold now in place of recorded sums. */
function currentSums(table: TextTable, versions: readonly PublishedVersion[]): PublishedIndex['sums'] {
  const recorded = versions.map(({ directory }) => directory).sort((a, b) => a.size - b.size);
  const now = sumsOf(table.bytes, recorded);
  return Object.fromEntries(recorded.flatMap(({ sha256 }, i) => (now[i] === sha256 ? [] : [[sha256, now[i]!]])));
}

function foreign(name: string, path: string): AppError {
  return new AppError(
    'invalid_population',
    `${path} of ${name} does not continue the published population, so its user numbers would name other users: ` +
      'import or update in the cluster',
  );
}

function readIfThere(folder: string, path: string, start: number, end: number): Uint8Array {
  try {
    return readRange(join(folder, path), start, end);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return new Uint8Array(0);
  }
}
