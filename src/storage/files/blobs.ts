/**
 * Implements blobs with files on the local disk. A blob folder is a folder on disk, and files and folders are published
 * by a rename. Except for `finish`, methods block the event loop while the disk works.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fdatasync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, normalize } from 'node:path';
import { promisify } from 'node:util';
import type { Blobs, BlobWriter, OpenBlob, UnnamedBlob } from '../../domain/ports/blobs.ts';
import { assert } from '../../lib/errors.ts';
import {
  createFolder,
  listFolder,
  removeQuietly,
  replaceFolder,
  storageError,
  syncFolder,
  withStorage,
  writeAll,
  writeDurably,
} from '../../lib/files/durable-files.ts';
import { readFully } from '../../lib/files/slices.ts';

export class FileBlobs implements Blobs {
  readonly #root: string;

  /** Blobs in a folder; names are relative to `root`. */
  constructor(root: string) {
    this.#root = root;
  }

  async open(folder: string, file: string): Promise<OpenBlob> {
    const path = this.#pathOf(folder, file);
    return new FileBlob(
      path,
      withStorage(`open ${path}`, () => openSync(path, 'r')),
    );
  }

  async read(folder: string, file: string): Promise<Uint8Array> {
    const path = this.#pathOf(folder, file);
    return withStorage(`read ${path}`, () => readFileSync(path));
  }

  async has(folder: string): Promise<boolean> {
    return existsSync(this.#pathOf(folder));
  }

  async publish(name: string, files: ReadonlyMap<string, NodeJS.ArrayBufferView>): Promise<void> {
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

  async delete(name: string): Promise<void> {
    const folder = this.#pathOf(name);
    withStorage(`remove ${folder}`, () => {
      rmSync(folder, { recursive: true, force: true });
      removeLeftovers(folder);
    });
  }

  async deleteUnused(folders: readonly string[]): Promise<void> {
    for (const folder of folders) await this.delete(folder);
  }

  write(folder: string): BlobWriter {
    return new FileBlobWriter(this.#pathOf(folder));
  }

  async list(name: string): Promise<string[]> {
    const folder = this.#pathOf(name);
    return withStorage(`list ${folder}`, () => listFolder(folder));
  }

  async hasFile(folder: string, file: string): Promise<boolean> {
    return existsSync(this.#pathOf(folder, file));
  }

  async deleteFile(folder: string, file: string): Promise<void> {
    const path = this.#pathOf(folder, file);
    withStorage(`remove ${path}`, () => rmSync(path, { force: true }));
  }

  #pathOf(...names: string[]): string {
    const name = normalize(join(...names));
    assert(!name.startsWith('..'), `blob ${name} leads out of the store`);
    return join(this.#root, name);
  }
}

/** Removes folders left beside the target `folder` by killed attempts. */
function removeLeftovers(folder: string): void {
  const name = basename(folder);
  for (const entry of listFolder(dirname(folder))) {
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
    // Throws if the file is closed, because the number of a closed descriptor may now belong to another file.
    assert(!this.#isClosed, `${this.#path} is closed`);
    try {
      return readFully(this.#descriptor, target, position);
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

const TEMPORARY = '.tmp';
const sync = promisify(fdatasync);

class FileBlobWriter implements BlobWriter {
  readonly #folder: string;
  readonly #path: string;
  readonly #descriptor: number;
  #isOpen = true;

  /** Creates `folder` if it is missing. */
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
    return this.#orAbort(() => readFully(this.#descriptor, target, position));
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
      publish: async (file) =>
        withStorage(`name ${path} ${file}`, () => {
          renameSync(path, join(folder, file));
          syncFolder(folder);
        }),
      discard: () => removeQuietly(path, { recursive: false }),
    };
  }

  #orAbort<T>(action: () => T): T {
    // the number of a closed descriptor may now belong to another file
    assert(this.#isOpen, `${this.#path} is closed`);
    try {
      return withStorage(`write ${this.#path}`, action);
    } catch (error) {
      this.abort();
      throw error;
    }
  }
}
