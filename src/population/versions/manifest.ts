/**
 * The manifest of a population version, `population.json`, which lists the version's files with their sizes and sha256.
 */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type Feature, MAXIMUM_VECTOR_SIZE } from '../../dataset/features.ts';
import { hashFormOf } from '../../domain/identities.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { FEATURE_KINDS } from '../../lib/feature-kinds.ts';
import { replaceDurably, withStorage } from '../../lib/files/durable-files.ts';
import { SPECIAL_CATEGORIES } from '../../lib/special-categories.ts';
import { canonicalJson } from '../../lib/text/canonical-json.ts';
import { SEGMENT_ROWS } from '../read/segments.ts';
import { sha256 } from './files.ts';

/**
 * Supported layouts. In layout 1, all segments except the last are full, and all rows belong to users. In layout 2,
 * segments may have fewer rows, and may have dead rows.
 */
const CONTRACTS = [1, 2] as const;
const NEWEST_CONTRACT = 2;

export const MANIFEST_FILE = 'population.json';
export const CURRENT_FILE = 'current';
export const DICTIONARIES_FOLDER = 'dictionaries';
/** Folder in which an import builds a version before it is published. */
export const INCOMING_FOLDER = 'incoming';
/**
 * File that exists in `incoming/` while an import readmits erased users. If such a user is erased again, the erasure
 * must be recorded again.
 */
export const READMISSION_FILE = 'readmits';
/** Suffix of the folder of a version that is being removed or was replaced. */
export const REMOVED_SUFFIX = '.removed';

const VERSION = /^[0-9a-f]{12}$/;

const countSchema = z.int().min(0);
const fileSchema = z.strictObject({
  path: z.string().min(1),
  size: countSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const tableSchema = z.strictObject({ count: countSchema, bytes: fileSchema, ends: fileSchema });

/**
 * A feature in the manifest. Only vectors have a `size`. `sensitive` is omitted if false, and `excluded_for` if empty,
 * so that the names of older versions remain valid.
 */
const featureSchema = z.strictObject({
  name: z.string().min(1),
  kind: z.enum(FEATURE_KINDS),
  size: z.int().min(1).max(MAXIMUM_VECTOR_SIZE).optional(),
  sensitive: z.literal(true).optional(),
  excluded_for: z.array(z.enum(SPECIAL_CATEGORIES)).min(1).optional(),
});

/**
 * A segment. `dead` is the number of rows that no longer belong to a user after an update; absent if there are no such
 * rows.
 */
const segmentSchema = z.strictObject({
  rows: z.int().min(1).max(SEGMENT_ROWS),
  dead: z.int().min(1).optional(),
  ...fileSchema.shape,
});

/** The identifiers with one label: `count` identifiers of `users` users. */
const identifiersSchema = z.strictObject({
  label: z.string().refine((label) => hashFormOf(label) !== null, 'a type and a rule are expected'),
  count: z.int().min(1),
  users: z.int().min(1),
  ...fileSchema.shape,
});

const manifestSchema = z.strictObject({
  contract: z.literal(CONTRACTS),
  version: z.string().regex(VERSION),
  features: z.array(featureSchema).min(1),
  /** Past campaigns by special category; omitted if there are none. */
  special_campaigns: z.partialRecord(z.enum(SPECIAL_CATEGORIES), z.array(z.string())).optional(),
  rows: z.int().min(1),
  segment_rows: z.literal(SEGMENT_ROWS),
  directory: tableSchema,
  dictionaries: z.array(z.strictObject({ feature: z.string().min(1), ...tableSchema.shape })),
  row_of: fileSchema,
  // absent if there are none, so that versions without identifiers keep their names
  identifiers: z.array(identifiersSchema).min(1).optional(),
  segments: z.array(segmentSchema).min(1),
});

/** A file of a version; only its first `size` bytes belong to the version. */
export type ManifestFile = z.infer<typeof fileSchema>;
/** An append-only table: the bytes of the strings, and the end offset of each string. */
export type ManifestTable = z.infer<typeof tableSchema>;
/** Contents of a version; `rows` counts the rows of users, without dead rows. */
export type Manifest = z.infer<typeof manifestSchema>;
export type ManifestSegment = z.infer<typeof segmentSchema>;
export type ManifestIdentifiers = z.infer<typeof identifiersSchema>;
/** Number of identifiers with one label when the version was published, and of the users who have them. */
export type IdentifierCounts = Pick<ManifestIdentifiers, 'label' | 'count' | 'users'>;

/**
 * Adds the version to a manifest: the first 12 hex digits of the sha256 of all other fields. Equal content therefore
 * has the same version.
 */
export function sealManifest(content: Omit<Manifest, 'version'>): Manifest {
  return { ...content, version: versionOf(content) };
}

/** The bytes of `population.json`. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
}

/** A file of a version, with its full path. */
export type VersionFile = ManifestFile & { readonly mayGrow: boolean };

/** Lists every file of a version. All versions share the tables, which may have grown; other files never change. */
export function listFiles(folder: string, manifest: Manifest): VersionFile[] {
  const shared = [manifest.directory, ...manifest.dictionaries].flatMap(({ bytes, ends }) => [bytes, ends]);
  return [
    ...shared.map((file) => ({ ...file, path: join(folder, file.path), mayGrow: true })),
    ...ownFiles(manifest).map((file) => ({ ...file, path: join(folder, manifest.version, file.path), mayGrow: false })),
  ];
}

/** The files that are read when the version is opened. No other version shares them. */
export function lookUpFiles({ row_of: rowOf, identifiers = [] }: Manifest): ManifestFile[] {
  return [rowOf, ...identifiers];
}

/** All files that no other version shares. */
export function ownFiles(manifest: Manifest): ManifestFile[] {
  return [...lookUpFiles(manifest), ...manifest.segments];
}

/** Reads `population.json` of a version. Errors: AppError `invalid_population` naming the file and its fault. */
export function readManifest(folder: string, version: string): Manifest {
  const path = join(folder, version, MANIFEST_FILE);
  return parseManifest(readText(path), version, path);
}

/** Parses the text of a manifest. Errors: AppError `invalid_population` naming `path`. */
export function parseManifest(text: string, version: string, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
  const contract = typeof value === 'object' && value !== null && 'contract' in value ? value.contract : undefined;
  if (typeof contract === 'number' && contract > NEWEST_CONTRACT) {
    throw new AppError(
      'invalid_population',
      `${path} has contract ${contract}, but this program reads ${NEWEST_CONTRACT}: update the program`,
    );
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new AppError('invalid_population', `${path}#/${issue.path.join('/')}: ${issue.message}`);
  }
  const { version: recorded, ...content } = parsed.data;
  if (recorded !== version || versionOf(content) !== version) {
    throw new AppError('invalid_population', `${path} was altered: its content does not match version ${version}`);
  }
  return parsed.data;
}

/**
 * The version that `current` names; null if the folder has no current version. Errors: AppError `invalid_population`.
 */
export function findCurrentVersion(folder: string): string | null {
  const path = join(folder, CURRENT_FILE);
  if (!existsSync(path)) return null;
  const version = readText(path).trim();
  if (!VERSION.test(version))
    throw new AppError('invalid_population', `${path} does not hold a version of 12 hexadecimal digits`);
  return version;
}

/** Time when the manifest of a version was written, in ms since 1970. */
export function publishedAt(folder: string, version: string): number {
  return statSync(join(folder, version, MANIFEST_FILE)).mtimeMs;
}

/** Published versions that still exist. */
export function listVersions(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => VERSION.test(name));
}

/**
 * The manifests of all published versions; versions that are removed during the call are left out. @throws AppError
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
 * The largest directory of any published version. The directories of the other versions are prefixes of this directory.
 */
export function findLargestDirectory(folder: string): ManifestTable | null {
  let largest: ManifestTable | null = null;
  for (const { directory } of readManifests(folder))
    if (largest === null || directory.count > largest.count) largest = directory;
  return largest;
}

/**
 * Makes a version current, so that services start with it. The caller must be the folder's writer. @throws AppError
 * storage_failed
 */
export function writeCurrent(folder: string, version: string): void {
  const path = join(folder, CURRENT_FILE);
  withStorage(`write ${path}`, () => replaceDurably(path, Buffer.from(`${version}\n`), `${path}.tmp`));
}

/**
 * The paths of a feature's dictionary. Paths are readable, and differ for different names even if the file system
 * ignores case.
 */
export function dictionaryPaths(feature: string): { bytes: string; ends: string } {
  const readable = feature
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '_')
    .slice(0, 40);
  const stem = `${DICTIONARIES_FOLDER}/${readable}-${sha256(Buffer.from(feature)).slice(0, 8)}`;
  return { bytes: `${stem}.bytes`, ends: `${stem}.ends` };
}

export function featuresOf(manifest: Manifest): Feature[] {
  return manifest.features.map(({ name, kind, size, sensitive, excluded_for: excludedFor }) => ({
    name,
    kind,
    ...(size === undefined ? {} : { size }),
    ...(sensitive ? { sensitive } : {}),
    ...(excludedFor ? { excludedFor } : {}),
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
  return sumOf(content).slice(0, 12);
}

function sumOf(content: Omit<Manifest, 'version'>): string {
  return sha256(Buffer.from(canonicalJson(content)));
}

/**
 * The sha256 of a version: that of the canonical JSON of its manifest without the version. The manifest contains the
 * sha256 of every file.
 * @throws AppError invalid_population
 */
export function versionSum(folder: string, version: string): string {
  const { version: _, ...content } = readManifest(folder, version);
  return sumOf(content);
}
