/** Blobs as files of the data folder: a folder of blobs is a folder; what is published gets its name by renaming. */
import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import type { Blobs, BlobWriter, OpenBlob } from '../../domain/ports/blobs.ts';
import { assert } from '../../lib/errors.ts';
import {
  createFolder,
  listFolder,
  removeQuietly,
  replaceFolder,
  storageError,
  syncFolder,
  withStorage,
  writeDurably,
} from '../../lib/files/durable-files.ts';
import { FileBlobWriter, readRange, removeUnfinishedFiles } from './file-blob-writer.ts';

export class FileBlobs implements Blobs {
  readonly #root: string;

  /** `root` is what names are relative to. */
  constructor(root: string) {
    this.#root = root;
  }

  open(folder: string, file: string): OpenBlob {
    const path = this.#pathOf(folder, file);
    return new FileBlob(
      path,
      withStorage(`open ${path}`, () => openSync(path, 'r')),
    );
  }

  read(folder: string, file: string): Uint8Array {
    const path = this.#pathOf(folder, file);
    return withStorage(`read ${path}`, () => readFileSync(path));
  }

  has(folder: string): boolean {
    return existsSync(this.#pathOf(folder));
  }

  publish(name: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>): void {
    const folder = this.#pathOf(name);
    const sibling = randomUUID();
    const fresh = `${folder}.new-${sibling}`;
    try {
      createFolder(dirname(folder));
      removeLeftovers(folder);
      mkdirSync(fresh);
      for (const [file, data] of files) writeDurably(join(fresh, file), data);
      syncFolder(fresh);
      replaceFolder(fresh, folder, `${folder}.old-${sibling}`);
    } catch (error) {
      removeQuietly(fresh);
      throw storageError(`write ${folder}`, error);
    }
  }

  delete(name: string): void {
    const folder = this.#pathOf(name);
    withStorage(`remove ${folder}`, () => rmSync(folder, { recursive: true, force: true }));
  }

  write(folder: string): BlobWriter {
    return new FileBlobWriter(this.#pathOf(folder));
  }

  list(name: string): string[] {
    const folder = this.#pathOf(name);
    return withStorage(`list ${folder}`, () => listFolder(folder));
  }

  deleteFile(folder: string, file: string): void {
    const path = this.#pathOf(folder, file);
    withStorage(`remove ${path}`, () => rmSync(path, { force: true }));
  }

  removeUnfinished(folder: string): void {
    removeUnfinishedFiles(this.#pathOf(folder));
  }

  #pathOf(...names: string[]): string {
    const name = normalize(join(...names));
    assert(!name.startsWith('..'), `blob ${name} leads out of the store`);
    return join(this.#root, name);
  }
}

/** What a killed attempt left beside the same target. */
function removeLeftovers(folder: string): void {
  const name = basename(folder);
  for (const entry of readdirSync(dirname(folder))) {
    if (entry.startsWith(`${name}.new-`) || entry.startsWith(`${name}.old-`)) {
      rmSync(join(dirname(folder), entry), { recursive: true, force: true });
    }
  }
}

class FileBlob implements OpenBlob {
  readonly sizeBytes: number;
  readonly #path: string;
  readonly #descriptor: number;
  #isClosed = false;

  constructor(path: string, descriptor: number) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.sizeBytes = withStorage(`open ${path}`, () => fstatSync(descriptor).size);
  }

  read(target: Uint8Array, position: number): number {
    // A closed descriptor's number may by now be another file's.
    assert(!this.#isClosed, `${this.#path} is closed`);
    try {
      return readRange(this.#descriptor, target, position);
    } catch (error) {
      throw storageError(`read ${this.#path}`, error);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    closeSync(this.#descriptor);
  }
}
