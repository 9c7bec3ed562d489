/** Ends a child process. */
import type { ChildProcess } from 'node:child_process';

/**
 * Asks a child process to end, and kills it if it has not ended after `limitMs`. Resolves when the process has ended,
 * or at once if it could not be started.
 */
export async function endChild(child: ChildProcess, ask: () => void, limitMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  ask();
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  await ended;
  clearTimeout(timer);
}
