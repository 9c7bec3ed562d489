/** The priority of the engine process. */
import { existsSync, readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** The engine's `nice` value: look-ups of the API process go first. */
const ENGINE_PRIORITY = 10;
/** On Linux, each thread has its own priority. */
const THREADS = '/proc/self/task';

/**
 * Lowers the priority of this process, including the threads that Node has already started (for example, for garbage
 * collection); later threads inherit it. @throws the system's error
 */
export function lowerPriority(): void {
  const threads = existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) setPriority(thread, ENGINE_PRIORITY);
}
