/**
 * Imports the users of a data set, or of Parquet, CSV or NDJSON files, as a new version of a population. The version is
 * published only if every line is valid.
 */
import { join } from 'node:path';
import { type DataSet, getDataSetFile, openDataSet } from '../../dataset/data-set.ts';
import { checkFeatures, type Feature } from '../../dataset/features.ts';
import { AppError } from '../../lib/errors.ts';
import type { Destinations } from '../versions/destination.ts';
import { type ImportResult, publishVersion } from '../versions/version-writer.ts';
import { BadRows, type Duplicates } from './bad-rows.ts';
import { IMPORT_LIMITS, type ImportLimits } from './import-limits.ts';
import { type Derived, jsonUsers } from './json-users.ts';
import { type ImportProgress, readRows } from './read-rows.ts';
import { checkSources, readUsers } from './read-users.ts';
import { populationFeatures, type SourceSchema } from './source-schema.ts';
import { exclusionsIn, readSpecialCampaigns, sortedCampaigns } from './special-campaigns.ts';

export interface ImportOptions {
  /** Data set folder. Only its description, its users and the categories of its campaigns are read. */
  readonly source: string;
  /** Features to import, in the order of their columns. The data set must have each feature with the same kind. */
  readonly features: readonly Feature[];
  /** Folder of the population, created if it does not exist, or where else the version is published. */
  readonly out: string | Destinations;
  readonly limits?: Partial<ImportLimits>;
  /** Values for features that are not in the file: lists of tokens by user id. */
  readonly derived?: Derived;
  /** Whether erased users who appear again are readmitted as new users. Default: their rows are left out. */
  readonly readmitErased?: boolean;
  /** CSV files of typed identifiers. */
  readonly identifierFiles?: readonly string[];
  /** Called after each batch of lines with the number of users read so far. */
  readonly onProgress?: (usersRead: number) => void;
}

/**
 * Imports a data set. User numbers and codes of earlier versions are kept; users missing from this data set keep their
 * number but have no row. Rows are in the order of the file. Importing the same content into the same folder produces
 * the same version, so importing the current content again changes nothing, except that a damaged copy of that version
 * is replaced. Errors: AppError `invalid_data` (naming file:line), `invalid_argument` (features), `unavailable`
 * (another import is running), `invalid_population` (the folder is damaged), `storage_failed`. After an error, the
 * folder still serves its previous version.
 */
export async function importPopulation(options: ImportOptions): Promise<ImportResult> {
  const { source, features, out, readmitErased = false, identifierFiles = [] } = options;
  if (features.length === 0) throw new AppError('invalid_argument', 'a population needs at least one user feature');
  checkFeatures(features, 'features', 'invalid_argument');
  const dataSet = openDataSet(source);
  checkSchema(
    dataSet,
    features.filter(({ name }) => !options.derived?.has(name)),
  );
  const users = getDataSetFile(dataSet, 'users.ndjson');
  const target = {
    ...{ out, features, sensitive: sensitiveFeatures(dataSet), readmitErased, identifierFiles },
    excludedFor: exclusionsIn(dataSet.userFeatures),
    specialCampaigns: await readSpecialCampaigns(dataSet),
  };
  return await publishVersion(target, users, async (writer) => {
    const limits = { ...IMPORT_LIMITS, ...options.limits };
    const schema = { userId: 'user_id', features: features.map((feature) => ({ ...feature, column: feature.name })) };
    const derived = options.derived ? { derived: options.derived } : {};
    const file = jsonUsers(users, { schema, limits, isLiteral: true, ...derived });
    await readRows([file], writer, {
      features: schema.features,
      limits,
      onProgress: ({ rows }) => options.onProgress?.(rows),
    });
  });
}

/** Names of the sensitive features. Only the data set says which features are sensitive; the model does not. */
function sensitiveFeatures(dataSet: DataSet): ReadonlySet<string> {
  return new Set(dataSet.userFeatures.filter(({ sensitive }) => sensitive).map(({ name }) => name));
}

/** @throws AppError invalid_data if the data set lacks a feature, or has it with another kind or size */
function checkSchema(dataSet: DataSet, features: readonly Feature[]): void {
  const where = join(dataSet.path, 'dataset.json');
  for (const { name, kind, size } of features) {
    const found = dataSet.userFeatures.find((feature) => feature.name === name);
    if (!found) throw new AppError('invalid_data', `${where}: the data set has no user feature "${name}"`);
    if (found.kind !== kind) {
      throw new AppError(
        'invalid_data',
        `${where}: the user feature "${name}" is of kind ${found.kind}; ${kind} is expected`,
      );
    }
    if (found.size !== size)
      throw new AppError(
        'invalid_data',
        `${where}: the vector "${name}" has ${found.size} numbers; ${size} are expected`,
      );
  }
}

export interface ImportFilesOptions {
  /** Paths, patterns with `*`, or URLs (`https://`, `s3://`) of files with the same format. */
  readonly sources: readonly string[];
  readonly schema: SourceSchema;
  /** Folder of the population, created if it does not exist, or where else the version is published. */
  readonly out: string | Destinations;
  readonly limits?: Partial<ImportLimits>;
  /** Maximum number of bad rows to leave out. Default: none. */
  readonly maximumBadRows?: number;
  /** What to do with users who have several rows. Default: an error. */
  readonly duplicates?: Duplicates;
  /** Whether erased users who appear again are readmitted as new users. Default: their rows are left out. */
  readonly readmitErased?: boolean;
  /** CSV files of typed identifiers. */
  readonly identifierFiles?: readonly string[];
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportFilesResult extends ImportResult {
  /** Number of bad rows that were left out, and the errors of the first few bad rows. */
  readonly badRows: number;
  readonly worst: readonly string[];
  /** Number of rows that were replaced by a later row of the same user. */
  readonly replaced: number;
}

/**
 * Imports files. The same users produce the same bytes, regardless of the file format. Errors: AppError `invalid_data`
 * (naming file and line, or row), `invalid_argument`, and the errors of `publishVersion`. After an error, nothing is
 * published.
 */
export async function importFiles(options: ImportFilesOptions): Promise<ImportFilesResult> {
  const { sources, schema, out, onProgress, memoryMib, duplicates = 'error', readmitErased = false } = options;
  const { identifierFiles = [] } = options;
  if (sources.length === 0) throw new AppError('invalid_argument', 'there is no file to import');
  checkSources(sources);
  const features = populationFeatures(schema);
  const sensitive = new Set(features.filter((feature) => feature.sensitive).map(({ name }) => name));
  const limits = { ...IMPORT_LIMITS, ...options.limits };
  const badRows = new BadRows(options.maximumBadRows ?? 0);
  let replaced = 0;
  const target = {
    ...{ out, features, sensitive, readmitErased, identifierFiles, excludedFor: exclusionsIn(features) },
    specialCampaigns: sortedCampaigns(schema.specialCampaigns),
  };
  const result = await publishVersion(target, sources.join(', '), async (writer) => {
    replaced = await readUsers(sources, writer, {
      schema,
      limits,
      badRows,
      duplicates,
      ...(memoryMib === undefined ? {} : { memoryMib }),
      ...(onProgress ? { onProgress } : {}),
    });
  });
  return { ...result, badRows: badRows.count, worst: badRows.worst.map(({ message }) => message), replaced };
}
