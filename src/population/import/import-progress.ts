/** The progress report of an import. */

/** How far an import has progressed. */
export interface ImportProgress {
  readonly phase: 'reading' | 'checking' | 'collecting tokens' | 'writing';
  /** The file or feature being read. */
  readonly at?: string;
  readonly percent?: number;
  readonly rows?: number;
  /** The number of rows, if it is known. */
  readonly total?: number;
}
