/** The progress report of an import. */

export interface ImportProgress {
  /** If rows may be left out, all rows are checked before any row is written. */
  readonly phase: 'checking' | 'writing';
  /** Number of rows so far. */
  readonly rows: number;
  /** Total number of rows, if known. */
  readonly total?: number;
}
