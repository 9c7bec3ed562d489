/** Imports users from a data set, or from other files with a schema. */
import type { Proposal } from './tables/infer-schema.ts';

export type { Duplicates } from './import/bad-rows.ts';
export { type ImportFilesResult, importFiles, importPopulation } from './import/import.ts';
export { IMPORT_LIMITS } from './import/import-limits.ts';
export { openTable } from './import/open-table.ts';
export type { ImportProgress } from './import/read-rows.ts';
export { populationFeatures, readSourceSchema, type SourceSchema } from './import/source-schema.ts';
export type { ImportResult } from './versions/version-writer.ts';

/** Proposes a schema for user files from their first `rows` rows. Errors: AppError `invalid_data`. */
export async function inferSchema(sources: readonly string[], scratch: string, rows: number): Promise<Proposal> {
  // DuckDB is loaded here because only tables need DuckDB
  const tables = await import('./tables/infer-schema.ts');
  return await tables.inferSchema(sources, scratch, rows);
}
