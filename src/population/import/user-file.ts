/** A file of users in any format: rows with a user id and values, which are read into columns one row at a time. */
import type { Cell } from '../kinds/kind-import.ts';
import type { ImportLimits } from './import-limits.ts';
import type { SourceSchema } from './source-schema.ts';

/** Consecutive rows of a file, valid until the next batch is requested. */
export interface UserBatch {
  readonly count: number;
  /** The line at which a row begins, from 1; in a file without lines, the number of the row. */
  lineOf(row: number): number;
  /** The user's id as written; null if the row is blank. Errors: AppError `invalid_data` naming the place. */
  userId(row: number): string | null;
  /**
   * Reads the row's values, one cell for each feature; call `userId` first. Errors: AppError `invalid_data` naming the
   * place.
   */
  readValues(row: number, cells: readonly Cell[]): void;
}

export interface UserFile {
  readonly path: string;
  readonly hasLines: boolean;
  /** What messages call the user id. */
  readonly idName: string;
  /** The number of rows, if the file says it. */
  readonly rows?: number;
  /** Reads the file from its start, as often as wanted. Errors: AppError `invalid_data`. */
  batches(): AsyncIterable<UserBatch>;
}

/** How to open files of users. */
export interface OpenOptions {
  readonly schema: SourceSchema;
  readonly limits: ImportLimits;
  /** A folder for temporary files. */
  readonly scratch: string;
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
}
