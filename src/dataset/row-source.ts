/** The interface to a table from any file format. */

/** A field as the file has it: text, a list of texts if the format has lists, null if empty. */
export type Value = string | readonly string[] | null;

export interface Row {
  /** The line in the file, or the 1-based row number if the file has no lines: for messages. */
  readonly line: number;
  /** One value for each requested column, in that order. */
  readonly values: readonly Value[];
}

/** A table in a file. Each file format has its own implementation of this interface. */
export interface RowSource {
  readonly path: string;
  /** The names of its columns, in the file's order. */
  readonly columns: readonly string[];
  /** Columns that cannot be read, with a description of their contents (objects, bytes). */
  readonly unreadable?: ReadonlyMap<string, string>;
  /**
   * Reads the rows from the start, in the file's order and in batches. `columns` is a subset of the table's columns.
   * Memory: one batch. Errors (AppError `invalid_data`) name file:line.
   */
  read(columns: readonly string[]): AsyncIterable<readonly Row[]>;
}
