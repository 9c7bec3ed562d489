/** Publishes a version: writes its files to `incoming/`, then renames the folder. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../lib/errors.ts';
import { linkDurably, replaceFolder, syncFolder, writeDurably } from '../../lib/files/durable-files.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import type { IdentifierFile } from '../import/imported-identifiers.ts';
import { appendTable } from '../import/table-files.ts';
import {
  DICTIONARIES_FOLDER,
  encodeManifest,
  INCOMING_FOLDER,
  MANIFEST_FILE,
  type Manifest,
  type ManifestSegment,
  type ManifestTable,
  REMOVED_SUFFIX,
} from './manifest.ts';
import { verifyVersion } from './verify.ts';

/** A table to which a version may add strings. */
export interface GrowingTable {
  readonly table: TextTable;
  /** The table as recorded by the published version with the most strings; null if no version has the table. */
  readonly published: ManifestTable | null;
}

/** A segment that the new version shares with an earlier version. */
export interface SharedSegment extends Omit<ManifestSegment, 'path'> {
  /** Path of the segment's file. */
  readonly file: string;
}

export interface Publication {
  /** The population's folder. */
  readonly out: string;
  readonly manifest: Manifest;
  readonly rowOf: Uint8Array;
  readonly identifiers: readonly IdentifierFile[];
  /** The first segments of the version. The other segments were written to `incoming/`, numbered from 0. */
  readonly shared: readonly SharedSegment[];
  readonly directory: GrowingTable;
  /** By feature. */
  readonly dictionaries: ReadonlyMap<string, GrowingTable>;
}

/** Path of a segment in the version's folder. */
export function segmentPath(index: number): string {
  return `segments/${String(index).padStart(6, '0')}.arrow`;
}

/**
 * Writes a version to disk without making it visible: tables grow beyond the sizes in any manifest, and other files are
 * in `incoming/`. Call this again if the directory has changed. Returns false if the same version already exists and is
 * intact.
 */
export function stage(publication: Publication): boolean {
  const { out, manifest } = publication;
  if (isIntact(out, manifest)) return false;
  const incoming = join(out, INCOMING_FOLDER);
  appendTables(publication);
  placeSegments(incoming, publication);
  writeDurably(join(incoming, manifest.row_of.path), publication.rowOf, 'w');
  for (const { recorded, bytes } of publication.identifiers) writeDurably(join(incoming, recorded.path), bytes, 'w');
  writeDurably(join(incoming, MANIFEST_FILE), encodeManifest(manifest), 'w');
  syncFolder(join(incoming, 'segments'));
  syncFolder(incoming);
  // The names of the table files must be durable before the manifest that lists these files is published.
  syncFolder(out);
  return true;
}

/**
 * Makes a staged version visible. If the process is killed earlier, the old version is still served, because appended
 * bytes lie beyond the sizes in any manifest, and the next import cuts them off.
 */
export function makeVisible({ out, manifest }: Publication): void {
  const folder = join(out, manifest.version);
  replaceFolder(join(out, INCOMING_FOLDER), folder, `${folder}${REMOVED_SUFFIX}`);
}

function appendTables({ out, manifest, directory, dictionaries }: Publication): void {
  mkdirSync(join(out, DICTIONARIES_FOLDER), { recursive: true });
  appendTable(out, directory.table, manifest.directory, directory.published);
  for (const recorded of manifest.dictionaries) {
    const { table, published } = dictionaries.get(recorded.feature)!;
    appendTable(out, table, recorded, published);
  }
  syncFolder(join(out, DICTIONARIES_FOLDER));
}

/** Renumbers the written segments so that they follow the shared segments. */
function placeSegments(incoming: string, { manifest, shared }: Publication): void {
  // the segments are already in place if the version is staged again
  if (shared.length === 0 || existsSync(join(incoming, segmentPath(manifest.segments.length - 1)))) return;
  for (let index = manifest.segments.length - 1; index >= shared.length; index--)
    renameSync(join(incoming, segmentPath(index - shared.length)), join(incoming, segmentPath(index)));
  for (const [index, { file, size }] of shared.entries()) {
    const actual = statSync(file).size;
    if (actual !== size)
      throw new AppError(
        'invalid_population',
        `${file} was altered: it has ${actual} bytes instead of the recorded ${size}`,
      );
    linkDurably(file, join(incoming, segmentPath(index)));
  }
}

/** Whether this version already exists and is intact. */
function isIntact(out: string, manifest: Manifest): boolean {
  if (!existsSync(join(out, manifest.version))) return false;
  try {
    verifyVersion(out, manifest, 'everything');
    return true;
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_population') return false;
    throw error;
  }
}
