/** The tables of a version as parts for the index, after checking that they continue the published tables. */
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { AppError } from '../../lib/errors.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { sumsOf } from '../import/redaction.ts';
import type { Manifest } from '../versions/manifest.ts';
import { type PublishedIndex, type PublishedVersion, sizeOfParts, type TablePart } from './index-schema.ts';
import { cutTable } from './table-parts.ts';
import { DIRECTORY_BYTES, type TableSource } from './table-source.ts';
import { fetchPart } from './transfers.ts';

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
export function differOnlyWhereRedacted(
  table: TextTable,
  start: number,
  theirs: Uint8Array,
  ours: Uint8Array,
): boolean {
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

export function foreign(name: string, path: string): AppError {
  return new AppError(
    'invalid_population',
    `${path} of ${name} does not continue the published population, so its user numbers would name other users: ` +
      'pull the published population into a new folder, and import or update there',
  );
}
