/** A file that gets its name when it is whole: until then it is a `*.tmp` beside the others of its folder. */
import { randomUUID } from 'node:crypto';
import { closeSync, fdatasync, fsyncSync, openSync, readSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BlobWriter, UnnamedBlob } from '../../domain/ports/blobs.ts';
import { assert } from '../../lib/errors.ts';
import {
  createFolder,
  listFolder,
  removeQuietly,
  storageError,
  syncFolder,
  withStorage,
  writeAll,
} from '../../lib/files/durable-files.ts';

const TEMPORARY = '.tmp';
const sync = promisify(fdatasync);

export class FileBlobWriter implements BlobWriter {
  readonly #folder: string;
  readonly #path: string;
  readonly #descriptor: number;
  #isOpen = true;

  /** `folder` is created where missing. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#path = join(folder, `${randomUUID()}${TEMPORARY}`);
    this.#descriptor = withStorage(`write into ${folder}`, () => {
      createFolder(folder);
      return openSync(this.#path, 'wx+');
    });
  }

  write(data: NodeJS.ArrayBufferView): void {
    this.#orAbort(() => writeAll(this.#descriptor, data, null));
  }

  read(target: Uint8Array, position: number): number {
    return this.#orAbort(() => readRange(this.#descriptor, target, position));
  }

  async finish(): Promise<UnnamedBlob> {
    try {
      await sync(this.#descriptor);
    } catch (error) {
      this.abort();
      throw storageError(`write ${this.#path}`, error);
    }
    return this.#close();
  }

  finishSync(): UnnamedBlob {
    this.#orAbort(() => fsyncSync(this.#descriptor));
    return this.#close();
  }

  abort(): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
    removeQuietly(this.#path, { recursive: false });
  }

  #close(): UnnamedBlob {
    this.#isOpen = false;
    closeSync(this.#descriptor);
    const folder = this.#folder;
    const path = this.#path;
    return {
      publish: (file) =>
        withStorage(`name ${path} ${file}`, () => {
          renameSync(path, join(folder, file));
          syncFolder(folder);
        }),
      discard: () => removeQuietly(path, { recursive: false }),
    };
  }

  #orAbort<T>(action: () => T): T {
    // a closed descriptor's number may by now be another file's
    assert(this.#isOpen, `${this.#path} is closed`);
    try {
      return withStorage(`write ${this.#path}`, action);
    } catch (error) {
      this.abort();
      throw error;
    }
  }
}

/** Reads until `target` is full or the file ends; returns the bytes read. */
export function readRange(descriptor: number, target: Uint8Array, position: number): number {
  let at = 0;
  while (at < target.length) {
    const read = readSync(descriptor, target, at, target.length - at, position + at);
    if (read === 0) break;
    at += read;
  }
  return at;
}

/** Removes what killed writers left in a folder. */
export function removeUnfinishedFiles(folder: string): void {
  const names = withStorage(`list ${folder}`, () => listFolder(folder));
  for (const name of names) if (name.endsWith(TEMPORARY)) removeQuietly(join(folder, name));
}
