/** How many files the engine opens: its threads load the program and the model each for itself. */

import { tooFewFiles } from '../http/plugins/connections/descriptors.ts';
import { AppError } from '../lib/errors.ts';

/** While they start, which takes most: 124 with one thread, 745 with 16 were counted. */
const FILES_OF_ENGINE = 96;
const FILES_PER_THREAD = 44;

function filesOfEngine(threads: number): number {
  return FILES_OF_ENGINE + threads * FILES_PER_THREAD;
}

/** @throws AppError invalid_argument where an engine of so many threads would not start; null: it is not known */
export function requireFilesOfEngine(threads: number, openFiles: number | null): void {
  const needed = filesOfEngine(threads);
  if (openFiles === null || openFiles >= needed) return;
  throw new AppError(
    'invalid_argument',
    `${tooFewFiles(openFiles, needed)}, or lower METAHEAC_THREADS: the engine has ${threads}`,
  );
}
