/** The output of a command: results, notes and a progress line. `src/cli/output.ts` implements it. */

export interface Output {
  /** Writes a line of the command's result. */
  result(line: string): void;
  /** Writes a note for the person at the terminal. */
  note(line: string): void;
  /** Replaces the progress line. If the output is not a terminal, a new line is written now and then instead. */
  progress(line: string): void;
}

/** Returns a progress bar such as `[#####-----]`. */
export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}
