/** The progress report of an import. */

/** Progress of an import. */
export interface ImportProgress {
  readonly phase: 'reading' | 'checking' | 'collecting tokens' | 'writing';
  /** File or feature being read. */
  readonly at?: string;
  readonly percent?: number;
  readonly rows?: number;
  /** Total number of rows, if known. */
  readonly total?: number;
}
