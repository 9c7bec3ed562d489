// Reports in one sentence that the limit of open files is too low to load the program; a failing loader would only
// print its own stack.
import { readFileSync } from 'node:fs';

const LEAST_FILES = 96;

export function requireOpenFiles() {
  let limits;
  try {
    limits = readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return; // only Linux has it
  }
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? LEAST_FILES);
  if (files >= LEAST_FILES) return;
  process.stderr.write(
    `metaheac: the process may open ${files} files and needs at least ${LEAST_FILES}: raise the limit (ulimit -n 16384)\n`,
  );
  process.exit(1);
}
