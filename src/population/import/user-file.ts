/** A user file in any format. Its rows have a user id and values, and are read into columns one row at a time. */
import type { Cell } from '../kinds/kind-import.ts';
import type { Utf8 } from '../kinds/tokens.ts';
import type { ImportLimits } from './import-limits.ts';
import type { SourceSchema } from './source-schema.ts';

/** Consecutive rows of a file. They are valid until the next batch is requested. */
export interface UserBatch {
  readonly count: number;
  /** The 1-based line on which a row begins; in a file without lines, the 1-based row number. */
  lineOf(row: number): number;
  /** The user's id as written; null if the row is blank. Errors: AppError `invalid_data` naming the place. */
  userId(row: number): string | Utf8 | null;
  /**
   * Reads the row's values into `cells`, with one cell per feature. Call `userId` first. Errors: AppError
   * `invalid_data` naming the place.
   */
  readValues(row: number, cells: readonly Cell[]): void;
}

export interface UserFile {
  readonly path: string;
  readonly hasLines: boolean;
  /** The name of the user id in messages. */
  readonly idName: string;
  /** The number of rows, if the file states it. */
  readonly rows?: number;
  /** Reads the file from its start. This can be called repeatedly. Errors: AppError `invalid_data`. */
  batches(): AsyncIterable<UserBatch>;
}

/** Options for opening user files. */
export interface OpenOptions {
  readonly schema: SourceSchema;
  readonly limits: ImportLimits;
  /** A folder for temporary files. */
  readonly scratch: string;
  /** DuckDB's memory limit. */
  readonly memoryMib?: number;
}
