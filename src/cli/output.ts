/** The only door to stdout and stderr of commands: results, notes, a progress line. */

export interface Output {
  /** A line of the command's result. */
  result(line: string): void;
  /** A line for the person at the terminal. */
  note(line: string): void;
  /** Replaces the line of progress; on something that is no terminal it is written now and then. */
  progress(line: string): void;
}

/** Off a terminal a progress line is written at most this often. */
const PROGRESS_EVERY_MS = 5000;

export function createOutput(
  stdout: NodeJS.WritableStream & { isTTY?: boolean },
  stderr: NodeJS.WritableStream & { isTTY?: boolean },
): Output {
  let open = false;
  let last = Number.NEGATIVE_INFINITY;
  const endProgress = () => {
    if (open) stderr.write('\n');
    open = false;
  };
  return {
    result(line) {
      endProgress();
      stdout.write(`${line}\n`);
    },
    note(line) {
      endProgress();
      stderr.write(`${line}\n`);
    },
    progress(line) {
      if (stderr.isTTY) {
        stderr.write(`\r\u001b[K${line}`);
        open = true;
        return;
      }
      const now = performance.now();
      if (now - last < PROGRESS_EVERY_MS) return;
      last = now;
      stderr.write(`${line}\n`);
    },
  };
}

/** `[#####-----]` */
export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}
