/** Imports users from Parquet, CSV or NDJSON files with a schema. */
import { AppError } from '../../lib/errors.ts';
import type { Destinations } from '../versions/destination.ts';
import type { ImportResult } from '../versions/version-writer.ts';
import { publishVersion } from '../versions/version-writer.ts';
import { BadRows, type Duplicates } from './bad-rows.ts';
import { IMPORT_LIMITS, type ImportLimits } from './import-limits.ts';
import type { ImportProgress } from './read-rows.ts';
import { checkSources, readUsers } from './read-users.ts';
import { populationFeatures, type SourceSchema } from './source-schema.ts';
import { exclusionsIn, sortedCampaigns } from './special-campaigns.ts';

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
