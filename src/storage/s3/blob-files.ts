/** Single files of blob storage as objects: the files of populations and models. */
import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { normalize } from 'node:path/posix';
import type { BlobFileEntry, BlobFiles, PutCondition, TaggedFile } from '../../domain/ports/blob-files.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { removeQuietly, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { readFully } from '../../lib/files/slices.ts';
import { inParallel } from '../../lib/limited.ts';
import type { ObjectStorage } from './client.ts';
import { pathOf } from './keys.ts';
import type { Removal } from './removal.ts';
import { inMemory, upload } from './upload.ts';

export class S3BlobFiles implements BlobFiles {
  readonly #storage: ObjectStorage;
  readonly #removal: Removal;
  readonly #prefix: string;

  readonly #isForBlobs: boolean;

  /** The files below `folder`, which contains no other blobs. If it is null, the location contains no blobs at all. */
  constructor(storage: ObjectStorage, removal: Removal, folder: string | null) {
    this.#storage = storage;
    this.#removal = removal;
    this.#isForBlobs = folder !== null;
    this.#prefix = folder === null ? storage.prefix : `${storage.prefix}${pathOf(folder)}/`;
  }

  async find(name: string): Promise<TaggedFile | null> {
    const found = await this.#storage.find(this.#keyOf(name));
    return found && { data: found.bytes, tag: found.etag };
  }

  async put(name: string, data: Uint8Array, condition: PutCondition = 'always'): Promise<string | null> {
    return await this.#storage.put(this.#keyOf(name), data, { condition });
  }

  async putLarge(name: string, data: Uint8Array): Promise<void> {
    await upload(this.#storage, this.#keyOf(name), inMemory(data));
  }

  async putFile(name: string, path: string): Promise<void> {
    const key = this.#keyOf(name);
    let descriptor: number | null = null;
    try {
      descriptor = openSync(path, 'r');
      const file = descriptor;
      const slice = (position: number, length: number) => {
        const bytes = new Uint8Array(length);
        if (readFully(file, bytes, position) !== length)
          throw new AppError('storage_failed', `${path} became shorter`, { facts: { errno: 'EIO' } });
        return bytes;
      };
      await upload(this.#storage, key, { sizeBytes: fstatSync(file).size, slice });
    } catch (error) {
      throw storageError(`write ${name}`, error);
    } finally {
      if (descriptor !== null) closeSync(descriptor);
    }
  }

  async fetchFile(name: string, path: string): Promise<void> {
    const key = this.#keyOf(name);
    const head = await this.#storage.head(key);
    if (head === null)
      throw new AppError('storage_failed', `cannot read ${name}: there is no such file`, {
        facts: { errno: 'ENOENT' },
      });
    const temporary = `${path}.fetching-${randomUUID()}`;
    try {
      await this.#fetch(key, head.sizeBytes, temporary);
      await rename(temporary, path);
      syncFolder(dirname(path));
    } catch (error) {
      removeQuietly(temporary, { recursive: false });
      throw storageError(`read ${name}`, error);
    }
  }

  async list(prefix: string): Promise<readonly BlobFileEntry[]> {
    const entries: BlobFileEntry[] = [];
    for await (const page of this.#storage.list(`${this.#prefix}${prefix}`))
      for (const { key, sizeBytes, modified: putAt } of page)
        entries.push({ name: key.slice(this.#prefix.length), sizeBytes, putAt });
    return entries;
  }

  async deleteFile(name: string): Promise<void> {
    await this.#removal.remove(this.#keyOf(name));
  }

  /** Fetches an object in parts into a new file, which is durable afterwards. */
  async #fetch(key: string, sizeBytes: number, path: string): Promise<void> {
    const { blobPartBytes: partBytes, blobUploads: fetches } = this.#storage.limits;
    const file = await open(path, 'wx');
    try {
      const positions = Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, i) => i * partBytes);
      await inParallel(positions, fetches, async (start) => {
        let at = start;
        await this.#storage.fetch(key, start, Math.min(partBytes, sizeBytes - start), {
          restart: () => {
            at = start;
          },
          write: async (chunk) => {
            await file.write(chunk, 0, chunk.length, at);
            at += chunk.length;
          },
          end: () => {},
        });
      });
      await file.sync();
    } finally {
      await file.close();
    }
  }

  #keyOf(name: string): string {
    assert(normalize(name) === name && !name.startsWith('..'), `file ${name} leads out of the storage`);
    return `${this.#prefix}${this.#isForBlobs ? pathOf(name) : name}`;
  }
}
