/** Cleans up temporary folders and services, however a command ends (normally, on errors, on Ctrl-C). */
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export interface Scope {
  /** A new folder, removed at the end. */
  temporaryFolder(name: string): string;
  /** Calls `close` at the end, in reverse order, before any folder is removed. */
  defer(close: () => Promise<void>): void;
  /** Resolves at the first signal; that signal does not interrupt the work, which can then end normally. */
  untilInterrupted(): Promise<void>;
}

/** Runs `work` and cleans up after it. A signal cleans up at once and ends the process with 128 + its number. */
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
  // a second signal does not cut the clean-up short: npm forwards the signal that the terminal has already sent
  for (const signal of SIGNALS) process.on(signal, tell);
  // an exit that other code causes (such as a closed pipe) removes the folders too
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
  // the interrupted work may still be running: only the end of the process stops it
  if (signal !== null && !isAwaited) process.exit(128 + constants.signals[signal]);
}
