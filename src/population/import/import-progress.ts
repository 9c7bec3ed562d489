/** The progress report of an import. */

/** Progress of an import. */
export interface ImportProgress {
  /** Rows are checked first if some may be left out. */
  readonly phase: 'checking' | 'writing';
  /** Number of rows so far. */
  readonly rows: number;
  /** The number of rows, if it is known. */
  readonly total?: number;
}
