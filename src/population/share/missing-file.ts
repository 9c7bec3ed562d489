/**
 * Asks for a file that a mirror does not have on this machine. The process that reads the folder has a `Mirror` open in
 * one of its threads, which fetches the file. Other threads wait for it; the main thread never waits, and throws
 * `PartMissing` instead.
 */
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { PartMissing } from '../../domain/ports/blobs.ts';
import { AppError } from '../../lib/errors.ts';

/** The file that marks a folder as a mirror. */
export const MIRROR_FILE = 'mirror.json';
export const CHANNEL = 'metaheac-mirror';

/** Maximum wait until a mirror accepts a request. Longer than a busy event loop needs. */
const ACCEPT_MS = 30_000;
/** Maximum wait for an accepted file, which may have to be fetched several times. */
const FETCH_MS = 10 * 60_000;
const MESSAGE_BYTES = 1_024;

/** The states of a request, in the first element of its memory. */
const REQUESTED = 0;
export const ACCEPTED = 1;
export const PRESENT = 2;
export const FAILED = 3;

/** A request as other threads receive it. */
export interface FileRequest {
  readonly folder: string;
  /** Relative to the folder. */
  readonly path: string;
  /** The state; then, after a failure, the length of the message and the message in UTF-8. */
  readonly state: SharedArrayBuffer;
}

/** Whether the folder is a mirror, where files may be missing until they are fetched. */
export function isMirror(folder: string): boolean {
  return existsSync(join(folder, MIRROR_FILE));
}

/**
 * Returns when a file of a mirror is on this machine and has the recorded bytes. In the main thread, throws
 * `PartMissing`, whose `fetch` does the same without blocking. @throws AppError storage_failed, invalid_population
 */
export function fetchMissing(folder: string, path: string): void {
  if (isMainThread) throw new PartMissing(() => awaitFile(folder, path));
  const state = ask(folder, path);
  const view = new Int32Array(state);
  Atomics.wait(view, 0, REQUESTED, ACCEPT_MS);
  Atomics.wait(view, 0, ACCEPTED, FETCH_MS);
  settle(path, state);
}

async function awaitFile(folder: string, path: string): Promise<void> {
  const state = ask(folder, path);
  const view = new Int32Array(state);
  // neither the wait nor the channel keeps the process from ending
  const alive = setInterval(() => {}, ACCEPT_MS);
  try {
    await Atomics.waitAsync(view, 0, REQUESTED, ACCEPT_MS).value;
    await Atomics.waitAsync(view, 0, ACCEPTED, FETCH_MS).value;
  } finally {
    clearInterval(alive);
  }
  settle(path, state);
}

function ask(folder: string, path: string): SharedArrayBuffer {
  const state = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT + MESSAGE_BYTES);
  const channel = new BroadcastChannel(CHANNEL);
  const request: FileRequest = { folder: resolve(folder), path: relative(folder, path), state };
  channel.postMessage(request);
  channel.close();
  return state;
}

function settle(path: string, state: SharedArrayBuffer): void {
  const view = new Int32Array(state, 0, 2);
  const now = view[0]!;
  const length = view[1]!;
  if (now === PRESENT) return;
  if (now !== FAILED)
    throw new AppError('storage_failed', `${path} is not on this machine, and no open mirror has fetched it in time`);
  const message = Buffer.from(new Uint8Array(state, 2 * Int32Array.BYTES_PER_ELEMENT, length).slice()).toString('utf8');
  throw new AppError('storage_failed', `${path} cannot be fetched: ${message}`);
}

/** Answers a request. */
export function answer(state: SharedArrayBuffer, now: number, message = ''): void {
  const view = new Int32Array(state);
  const bytes = Buffer.from(message).subarray(0, MESSAGE_BYTES);
  new Uint8Array(state, 2 * Int32Array.BYTES_PER_ELEMENT).set(bytes);
  view[1] = bytes.length;
  Atomics.store(view, 0, now);
  Atomics.notify(view, 0);
}
