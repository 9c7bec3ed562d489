/** The manifest of a population version, `population.json`, which lists its files with size and sha256. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Feature, MAXIMUM_VECTOR_SIZE } from '../../dataset/features.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { FEATURE_KINDS } from '../../lib/feature-kinds.ts';
import { replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import { SEGMENT_ROWS } from '../read/segments.ts';
import { sha256 } from './files.ts';

/**
 * The layouts that this code reads: in layout 1, all segments but the last are full, and all rows belong to users; in
 * layout 2, segments may have fewer rows, and dead rows.
 */
const CONTRACTS = [1, 2] as const;
const NEWEST_CONTRACT = 2;

export const MANIFEST_FILE = 'population.json';
export const CURRENT_FILE = 'current';
/** The folder of the dictionaries. */
export const DICTIONARIES_FOLDER = 'dictionaries';
/** The folder in which an import builds a version before it is published. */
export const INCOMING_FOLDER = 'incoming';
/**
 * In `incoming/` while an import readmits erased users: if such a user is erased again, the erasure must be recorded
 * again.
 */
export const READMISSION_FILE = 'readmits';
/** The suffix of a version that is being removed, or was replaced. */
export const REMOVED_SUFFIX = '.removed';

const VERSION = /^[0-9a-f]{12}$/;

const countSchema = z.int().min(0);
const fileSchema = z.strictObject({
  path: z.string().min(1),
  size: countSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const tableSchema = z.strictObject({ count: countSchema, bytes: fileSchema, ends: fileSchema });

/** Only vectors have a `size`. `sensitive` is omitted if false, so older versions keep their name. */
const featureSchema = z.strictObject({
  name: z.string().min(1),
  kind: z.enum(FEATURE_KINDS),
  size: z.int().min(1).max(MAXIMUM_VECTOR_SIZE).optional(),
  sensitive: z.literal(true).optional(),
});

/** `dead` rows no longer belong to a user: an update left them. Absent if there are none. */
const segmentSchema = z.strictObject({
  rows: z.int().min(1).max(SEGMENT_ROWS),
  dead: z.int().min(1).optional(),
  ...fileSchema.shape,
});

const manifestSchema = z.strictObject({
  contract: z.literal(CONTRACTS),
  version: z.string().regex(VERSION),
  features: z.array(featureSchema).min(1),
  rows: z.int().min(1),
  segment_rows: z.literal(SEGMENT_ROWS),
  directory: tableSchema,
  dictionaries: z.array(z.strictObject({ feature: z.string().min(1), ...tableSchema.shape })),
  row_of: fileSchema,
  segments: z.array(segmentSchema).min(1),
});

/** A file of a version; only its first `size` bytes belong to the version. */
export type ManifestFile = z.infer<typeof fileSchema>;
/** An append-only table: its texts' bytes and their end offsets. */
export type ManifestTable = z.infer<typeof tableSchema>;
/** `rows` counts the rows of users, without dead rows. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestSegment = z.infer<typeof segmentSchema>;

/**
 * Completes a manifest with its version: the first 12 hex digits of the sha256 of everything else, so that equal
 * content has one version.
 */
export function sealManifest(content: Omit<Manifest, 'version'>): Manifest {
  return { ...content, version: versionOf(content) };
}

/** The bytes of `population.json`. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
}

/** A file of a version with the path to open. */
export type VersionFile = ManifestFile & { readonly mayGrow: boolean };

/** Every file of a version. The tables belong to all versions and may have grown since; other files never change. */
export function listFiles(folder: string, manifest: Manifest): VersionFile[] {
  const shared = [manifest.directory, ...manifest.dictionaries].flatMap(({ bytes, ends }) => [bytes, ends]);
  const own = [manifest.row_of, ...manifest.segments];
  return [
    ...shared.map((file) => ({ ...file, path: join(folder, file.path), mayGrow: true })),
    ...own.map((file) => ({ ...file, path: join(folder, manifest.version, file.path), mayGrow: false })),
  ];
}

/**
 * Reads `population.json` of a version. Errors: AppError `invalid_population` naming the file and what is wrong with
 * it.
 */
export function readManifest(folder: string, version: string): Manifest {
  const path = join(folder, version, MANIFEST_FILE);
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw new AppError('invalid_population', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
  const contract = typeof value === 'object' && value !== null && 'contract' in value ? value.contract : undefined;
  if (typeof contract === 'number' && contract > NEWEST_CONTRACT) {
    throw new AppError(
      'invalid_population',
      `${path} is of contract ${contract}; this program reads ${NEWEST_CONTRACT}: update it`,
    );
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new AppError('invalid_population', `${path}#/${issue.path.join('/')}: ${issue.message}`);
  }
  const { version: recorded, ...content } = parsed.data;
  if (recorded !== version || versionOf(content) !== version) {
    throw new AppError('invalid_population', `${path} was altered: its content is not that of version ${version}`);
  }
  return parsed.data;
}

/** The version that `current` names, null in a folder without one. Errors: AppError `invalid_population`. */
export function findCurrentVersion(folder: string): string | null {
  const path = join(folder, CURRENT_FILE);
  if (!existsSync(path)) return null;
  const version = readText(path).trim();
  if (!VERSION.test(version))
    throw new AppError('invalid_population', `${path} does not hold a version of 12 hexadecimal digits`);
  return version;
}

/** When a version's manifest was written, in ms since 1970. */
export function publishedAt(folder: string, version: string): number {
  return statSync(join(folder, version, MANIFEST_FILE)).mtimeMs;
}

/** The versions that were published and not removed. */
export function listVersions(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => VERSION.test(name));
}

/**
 * The manifests of all published versions; one that is removed meanwhile is left out. @throws AppError
 * invalid_population
 */
export function readManifests(folder: string): Manifest[] {
  return listVersions(folder).flatMap((version) => {
    try {
      return [readManifest(folder, version)];
    } catch (error) {
      if (!existsSync(join(folder, version))) return [];
      throw error;
    }
  });
}

/**
 * The directory with the most users of all published versions; the directory of every other version is a prefix of it.
 */
export function findLargestDirectory(folder: string): ManifestTable | null {
  let largest: ManifestTable | null = null;
  for (const { directory } of readManifests(folder))
    if (largest === null || directory.count > largest.count) largest = directory;
  return largest;
}

/** Makes services start with a version. The caller is the folder's writer. @throws AppError storage_failed */
export function writeCurrent(folder: string, version: string): void {
  const path = join(folder, CURRENT_FILE);
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(`${version}\n`), `${path}.tmp`));
}

/** The paths of a feature's dictionary: readable, and different for every name even if the file system ignores case. */
export function dictionaryPaths(feature: string): { bytes: string; ends: string } {
  const readable = feature
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '_')
    .slice(0, 40);
  const stem = `${DICTIONARIES_FOLDER}/${readable}-${sha256(Buffer.from(feature)).slice(0, 8)}`;
  return { bytes: `${stem}.bytes`, ends: `${stem}.ends` };
}

/** The schema of a version. */
export function featuresOf(manifest: Manifest): Feature[] {
  return manifest.features.map(({ name, kind, size, sensitive }) => ({
    name,
    kind,
    ...(size === undefined ? {} : { size }),
    ...(sensitive ? { sensitive } : {}),
  }));
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
}

function versionOf(content: Omit<Manifest, 'version'>): string {
  return sha256(Buffer.from(canonicalJson(content))).slice(0, 12);
}
