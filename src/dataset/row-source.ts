/** Rows of other people's tables: what a source of them is, whatever the format of its file. */

/** A field as its file has it: text, a list of texts where the format knows lists, null where there is nothing. */
export type Value = string | readonly string[] | null;

export interface Row {
  /** Its line in the file, or its 1-based place where a file has no lines: for messages. */
  readonly line: number;
  /** One value for each column that was asked for, in that order. */
  readonly values: readonly Value[];
}

/** A table in a file. Another format is another implementation of this. */
export interface RowSource {
  readonly path: string;
  /** The names of its columns, in the file's order. */
  readonly columns: readonly string[];
  /** Columns that cannot be read, and what they hold: objects, bytes. */
  readonly unreadable?: ReadonlyMap<string, string>;
  /**
   * The rows in the file's order, in batches, each time from the start. `columns` are some of its own. Memory is one
   * batch. Errors (AppError `invalid_data`) name file:line.
   */
  read(columns: readonly string[]): AsyncIterable<readonly Row[]>;
}
