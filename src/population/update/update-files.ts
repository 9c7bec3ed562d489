/** Updates a population with changed, new and deleted users, in time proportional to the number of these users. */
import { existsSync } from 'node:fs';
import type { Feature } from '../../dataset/features.ts';
import { untilRead } from '../../domain/ports/blobs.ts';
import { AppError } from '../../lib/errors.ts';
import { BadRows, type Duplicates } from '../import/bad-rows.ts';
import { readIdentifierFiles } from '../import/identifier-files.ts';
import { IMPORT_LIMITS, type ImportLimits } from '../import/import-limits.ts';
import type { ImportProgress } from '../import/read-rows.ts';
import { checkSources, readUsers } from '../import/read-users.ts';
import type { SourceSchema } from '../import/source-schema.ts';
import { exclusionsIn } from '../import/special-campaigns.ts';
import { checkIdFile, readUserIds } from '../import/user-ids.ts';
import type { SourceFeature } from '../kinds/kind-import.ts';
import type { Destination, Destinations } from '../versions/destination.ts';
import { inFolder } from '../versions/folder-destination.ts';
import { CURRENT_FILE, findCurrentVersion } from '../versions/manifest.ts';
import { VersionWriter } from '../versions/version-writer.ts';
import { BaseVersion } from './base-version.ts';
import { type DeltaCounts, DeltaWriter } from './delta-writer.ts';

export interface UpdateFilesOptions {
  /** A population's folder, or where else its versions are published. */
  readonly population: string | Destinations;
  /** Files of changed and new users with all features. All files must have the same format. */
  readonly changed: readonly string[];
  /** Files with the ids of users to delete. */
  readonly deleted: readonly string[];
  /** Version to build on, `current` or `newest`. Default: the newest version, even if it is not current. */
  readonly base?: string | undefined;
  /** Returns the schema of the files for the population's features. */
  readonly schema: (features: readonly Feature[]) => SourceSchema;
  readonly limits?: Partial<ImportLimits>;
  /** Maximum number of bad rows to leave out. Default: none. */
  readonly maximumBadRows?: number;
  /** What to do with users who have several rows. Default: an error. */
  readonly duplicates?: Duplicates;
  /**
   * Whether to remove all dead rows, so that the new version contains no rows of deleted users. The time this takes is
   * proportional to the number of segments with dead rows.
   */
  readonly isCompacted?: boolean;
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
  /** Whether erased users who appear again are readmitted as new users. Default: their rows are left out. */
  readonly readmitErased?: boolean;
  /**
   * CSV files of typed identifiers. For each type and rule, users in the files lose all earlier identifiers, and an
   * identifier of another user moves to the user in the files. All other identifiers are kept.
   */
  readonly identifierFiles?: readonly string[];
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface UpdateFilesResult extends Readonly<DeltaCounts> {
  readonly version: string;
  /** Version that the update built on; equal to `version` if nothing changed. */
  readonly before: string;
  /** Whether `before` was the newest version. */
  readonly isOfNewest: boolean;
  /** The version that was current in the folder before the update; null if it is not in a folder. */
  readonly currentBefore: string | null;
  /** Number of users in the new version. */
  readonly users: number;
  /** Number of segments shared with `before`, and number of segments written. */
  readonly segments: { readonly shared: number; readonly written: number };
  readonly badRows: number;
  readonly worst: readonly string[];
  /** Number of rows that were replaced by a later row of the same user. */
  readonly replaced: number;
  /** Number of rows that were left out because their users were erased. */
  readonly leftOut: number;
  /** Number of identifiers that were skipped because they were erased or their user is not in the directory. */
  readonly unknownIdentifiers: number;
  readonly erasedIdentifiers: number;
}

/**
 * Creates a version from the newest or the given version, and makes the new version current. Users in `changed` get
 * their new rows, users in `deleted` and erased users lose their rows, and all other users keep their rows. A user must
 * not be in both lists. Most unchanged rows stay in segment files that are shared with the base version. If nothing
 * changed, nothing is written. Errors: AppError `invalid_data` (naming file and line or row, or if no user would be
 * left), `invalid_argument`, and the errors of the destination. After an error, nothing is published.
 */
export async function updateFiles(options: UpdateFilesOptions): Promise<UpdateFilesResult> {
  const { population, changed, deleted, identifierFiles = [] } = options;
  if (changed.length + deleted.length + identifierFiles.length === 0 && !options.isCompacted)
    throw new AppError('invalid_argument', 'give a file of changed users, a file of users to delete, or both');
  if (changed.length > 0) checkSources(changed);
  for (const path of deleted) checkIdFile(path);
  if (typeof population === 'string') requirePopulation(population);
  const destinations = typeof population === 'string' ? inFolder(population) : population;
  const { readmitErased = false } = options;
  return await destinations.open({ readmitErased }, (destination) => update(options, destination));
}

async function update(options: UpdateFilesOptions, destination: Destination): Promise<UpdateFilesResult> {
  const { changed, deleted, duplicates = 'error', onProgress, isCompacted = false, readmitErased = false } = options;
  const { identifierFiles = [] } = options;
  const place = options.memoryMib === undefined ? {} : { memoryMib: options.memoryMib };
  const { newest, current: currentBefore } = destination;
  const base = await BaseVersion.open(destination, baseOf(options, destination));
  const isOfNewest = base.version === newest;
  const { features } = base;
  const sensitive = new Set(features.filter((feature) => feature.sensitive).map(({ name }) => name));
  const schema = options.schema(features);
  const limits = { ...IMPORT_LIMITS, ...options.limits };
  const badRows = new BadRows(options.maximumBadRows ?? 0);
  const { specialCampaigns } = base;
  const target = { features, sensitive, excludedFor: exclusionsIn(features), specialCampaigns, readmitErased };
  const writer = await untilRead(() => new VersionWriter(target, destination));
  const delta = new DeltaWriter(writer, base);
  await readUserIds(deleted, { schema, limits, badRows, scratch: writer.scratch, ...place }, (id) => delta.delete(id));
  const progress = onProgress ? { onProgress } : {};
  const replaced =
    changed.length === 0
      ? 0
      : await readUsers(changed, delta, { schema, limits, badRows, duplicates, ...place, ...progress });
  await readIdentifierFiles(identifierFiles, writer);
  for (const index of await base.readIdentifiers()) writer.identifiers.carryOver(index);
  const done = await delta.publish({ isCompacted, hasIdentifiers: identifierFiles.length > 0 });
  // the caller requested the newest version, so this version becomes current although nothing changed
  if (isOfNewest && done.version === newest && currentBefore !== newest) destination.makeCurrent(newest);
  return {
    ...delta.counts,
    ...done,
    before: base.version,
    isOfNewest,
    currentBefore,
    badRows: badRows.count,
    worst: badRows.worst.map(({ message }) => message),
    replaced,
    leftOut: writer.erased.rows,
    unknownIdentifiers: writer.identifiers.unknown,
    erasedIdentifiers: writer.identifiers.erased,
  };
}

/** Finds the version that `newest`, `current` or a version name refers to. @throws AppError invalid_argument */
function baseOf({ base = 'newest' }: UpdateFilesOptions, { name, manifests, newest, current }: Destination): string {
  if (newest === null) throw new AppError('invalid_argument', `${name} has no version to build on: import users first`);
  if (base === 'newest') return newest;
  if (base === 'current' && current !== null) return current;
  if (manifests.some(({ version }) => version === base)) return base;
  throw new AppError('invalid_argument', `${name} has no version ${base} to build on`);
}

/** The schema for files in which each column has the name of a feature. */
export function schemaOfFeatures(features: readonly Feature[], columns: ReadonlyMap<string, string>): SourceSchema {
  for (const name of columns.keys()) {
    if (name !== 'user_id' && !features.some((feature) => feature.name === name))
      throw new AppError('invalid_argument', `--column ${name}=..: the population has no feature "${name}"`);
  }
  return {
    userId: columns.get('user_id') ?? 'user_id',
    features: features.map((feature) => ({ ...feature, column: columns.get(feature.name) ?? feature.name })),
  };
}

/**
 * The schema with its features in the population's order. Adding or removing features requires a new import. `path` is
 * the path of the schema file. Errors: AppError `invalid_argument`.
 */
export function fitSchema(schema: SourceSchema, features: readonly Feature[], path: string): SourceSchema {
  const refuse = (what: string) =>
    new AppError(
      'invalid_argument',
      `${path}: ${what}; an update cannot change the features; to change them, import all users`,
    );
  const more = schema.features.find(({ name }) => !features.some((feature) => feature.name === name));
  if (more) throw refuse(`the population has no feature "${more.name}"`);
  const fitted = features.map((feature): SourceFeature => {
    const found = schema.features.find(({ name }) => name === feature.name);
    if (!found) throw refuse(`the schema lacks the population's feature "${feature.name}"`);
    if (describeFeature(found) === describeFeature(feature)) return found;
    throw refuse(
      `the feature "${feature.name}" is ${describeFeature(found)}, but ${describeFeature(feature)} in the population`,
    );
  });
  return { ...schema, features: fitted };
}

function describeFeature({ kind, size, sensitive }: Feature): string {
  return `${kind}${size === undefined ? '' : ` of ${size}`}${sensitive ? ', sensitive' : ''}`;
}

function requirePopulation(folder: string): void {
  if (existsSync(folder) && findCurrentVersion(folder) !== null) return;
  throw new AppError('invalid_population', `${folder} is not a population: it has no file ${CURRENT_FILE}`);
}
