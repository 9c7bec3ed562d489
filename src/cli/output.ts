/** The only module through which commands write to stdout and stderr. */
import type { Output } from '../lib/output.ts';

/** Minimum time between two progress lines if stderr is not a terminal. */
const PROGRESS_EVERY_MS = 5000;

export type Terminal = NodeJS.WritableStream & { readonly isTTY?: boolean };

export function createOutput(stdout: Terminal, stderr: Terminal): Output {
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
