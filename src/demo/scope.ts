/**
 * Cleans up temporary folders and services when a command ends, whether it ends normally, with an error or because of
 * Ctrl-C.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Scope {
  /** Creates a temporary folder, which is removed at the end. */
  temporaryFolder(name: string): string;
  /**
   * Registers `close`, which is called at the end before any folder is removed. The last registered function is called
   * first.
   */
  defer(close: () => Promise<void>): void;
  /** Resolves at the first signal. That signal does not interrupt the work, so the work can end normally. */
  untilInterrupted(): Promise<void>;
}

/**
 * Runs `work` and cleans up afterwards. After a signal, cleans up at once and ends the process with exit code 128 + the
 * signal's number.
 */
export async function withScope(work: (scope: Scope) => Promise<void>): Promise<void> {
  const folders: string[] = [];
  const closers: (() => Promise<void>)[] = [];
  const removeFolders = () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  };
  let tell: (signal: NodeJS.Signals) => void = () => {};
  const told = new Promise<NodeJS.Signals>((resolve) => {
    tell = resolve;
  });
  // a second signal must not cut the clean-up short, because npm forwards a signal that the terminal has already sent
  for (const signal of SIGNALS) process.on(signal, tell);
  // the folders are also removed if other code ends the process, for example because of a closed pipe
  process.once('exit', removeFolders);

  let isAwaited = false;
  const scope: Scope = {
    temporaryFolder(name) {
      const folder = mkdtempSync(join(tmpdir(), `metaheac-${name}-`));
      folders.push(folder);
      return folder;
    },
    defer: (close) => void closers.unshift(close),
    untilInterrupted() {
      isAwaited = true;
      return told.then(() => {});
    },
  };
  let signal: NodeJS.Signals | null = null;
  try {
    signal = await Promise.race([work(scope).then(() => null), told]);
  } finally {
    for (const close of closers) await close();
    removeFolders();
    process.off('exit', removeFolders);
    for (const name of SIGNALS) process.off(name, tell);
  }
  // the interrupted work may still be running, and only ending the process stops it
  if (signal !== null && !isAwaited) process.exit(128 + constants.signals[signal]);
}
