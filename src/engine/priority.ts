/** The priority of the engine process. */
import { existsSync, readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** Its `nice` value: look-ups of the API process go first. */
const ENGINE_PRIORITY = 10;
/** Linux has a priority for each thread. */
const THREADS = '/proc/self/task';

/**
 * Lowers it, also for the threads that Node has started by now, such as those that collect garbage; later ones inherit
 * it. @throws what the system says
 */
export function lowerPriority(): void {
  const threads = existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) setPriority(thread, ENGINE_PRIORITY);
}
