/** The priority of the engine process. */
import { existsSync, readdirSync } from 'node:fs';
import { setPriority } from 'node:os';

/** The engine's `nice` value, which gives look-ups in the API process priority. */
const ENGINE_PRIORITY = 10;
/** The folder of the process's threads. On Linux, each thread has its own priority. */
const THREADS = '/proc/self/task';

/**
 * Lowers the priority of this process, including threads that Node has already started (for example, for garbage
 * collection). Later threads inherit the priority.
 * @throws the operating system's error
 */
export function lowerPriority(): void {
  const threads = existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [process.pid];
  for (const thread of threads) setPriority(thread, ENGINE_PRIORITY);
}
