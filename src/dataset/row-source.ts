/** The interface to a table in a file of any format. */

/** A field as read from the file: text, a list of texts if the format has lists, or null if the field is empty. */
export type Value = string | readonly string[] | null;

export interface Row {
  /** The number of the line in the file, or the 1-based row number if the format has no lines; used in messages. */
  readonly line: number;
  /** One value for each requested column, in the requested order. */
  readonly values: readonly Value[];
}

/** A table in a file. There is one implementation per file format. */
export interface RowSource {
  readonly path: string;
  /** The names of the table's columns, in the order of the file. */
  readonly columns: readonly string[];
  /** Columns that cannot be read, with a description of their contents (objects, bytes). */
  readonly unreadable?: ReadonlyMap<string, string>;
  /**
   * Reads all rows in the order of the file, in batches. `columns` is a subset of the table's columns. Memory: one
   * batch. Errors (AppError `invalid_data`) name file:line.
   */
  read(columns: readonly string[]): AsyncIterable<readonly Row[]>;
}
