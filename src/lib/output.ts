/** The output of a command: results, notes, a progress line. `src/cli/output.ts` writes it. */

export interface Output {
  /** A line of the command's result. */
  result(line: string): void;
  /** A line for the person at the terminal. */
  note(line: string): void;
  /** Replaces the progress line; if the output is not a terminal, a line is written now and then. */
  progress(line: string): void;
}

/** `[#####-----]` */
export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}
