/**
 * What a command says to the person who started it: results, notes, a line of progress. `src/cli/output.ts` writes it.
 */

export interface Output {
  /** A line of the command's result. */
  result(line: string): void;
  /** A line for the person at the terminal. */
  note(line: string): void;
  /** Replaces the line of progress; on something that is no terminal it is written now and then. */
  progress(line: string): void;
}

/** `[#####-----]` */
export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}
