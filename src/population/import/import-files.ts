/** Imports users from files as people have them, Parquet, CSV or NDJSON, as a schema says. */
import { AppError } from '../../lib/errors.ts';
import { publishVersion } from '../versions/publish-version.ts';
import type { ImportResult } from '../versions/version-writer.ts';
import { BadRows, type Duplicates } from './bad-rows.ts';
import { IMPORT_LIMITS, type ImportLimits } from './import-limits.ts';
import type { ImportProgress } from './import-progress.ts';
import { checkSources, readUsers } from './read-users.ts';
import { populationFeatures, type SourceSchema } from './source-schema.ts';

export interface ImportFilesOptions {
  /** Paths, patterns with `*`, or addresses (`https://`, `s3://`): all of one form. */
  readonly sources: readonly string[];
  readonly schema: SourceSchema;
  /** The population's folder; made if it is not there. */
  readonly out: string;
  readonly limits?: Partial<ImportLimits>;
  /** How many bad rows may be left out; none if not given. */
  readonly maximumBadRows?: number;
  /** What happens to a user who is there more than once: an error if not given. */
  readonly duplicates?: Duplicates;
  /** Whether users who were erased, and are there again, are let in as new users; else their rows are left out. */
  readonly readmitErased?: boolean;
  /** What DuckDB may hold in memory. */
  readonly memoryMib?: number;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportFilesResult extends ImportResult {
  /** Rows that were left out because they are bad, and what is wrong with the first of them. */
  readonly badRows: number;
  readonly worst: readonly string[];
  /** Rows that were left out because a later one is of the same user. */
  readonly replaced: number;
}

/**
 * Imports files. The same users give the same bytes whatever their form. Errors: AppError `invalid_data` (naming file
 * and line, or row), `invalid_argument`, and those of `publishVersion`; nothing is published then.
 */
export async function importFiles(options: ImportFilesOptions): Promise<ImportFilesResult> {
  const { sources, schema, out, onProgress, memoryMib, duplicates = 'error', readmitErased = false } = options;
  if (sources.length === 0) throw new AppError('invalid_argument', 'there is no file to import');
  checkSources(sources);
  const features = populationFeatures(schema);
  const sensitive = new Set(features.filter((feature) => feature.sensitive).map(({ name }) => name));
  const limits = { ...IMPORT_LIMITS, ...options.limits };
  const badRows = new BadRows(options.maximumBadRows ?? 0);
  let replaced = 0;
  const target = { out, features, sensitive, readmitErased };
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
