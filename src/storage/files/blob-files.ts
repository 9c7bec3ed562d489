/** Single files of blob storage as files of a folder, which several processes may share. */
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import type { BlobFileEntry, BlobFiles, PutCondition, TaggedFile } from '../../domain/ports/blob-files.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { createFolder, ifMissing, removeQuietly, storageError, syncFolder } from '../../lib/files/durable-files.ts';
import { awaitFileLock } from '../../lib/files/file-lock.ts';

/** This file is locked during a conditional put, so that the condition stays true until the file has its name. */
const LOCK = 'put.lock';
/** Maximum wait for the lock, which is held while one small file is written. */
const LOCK_WAIT_MS = 30_000;
const TEMPORARY = '.putting-';

export class FolderBlobFiles implements BlobFiles {
  readonly #root: string;

  /** Files in the folder `root`, which is created when the first file is put. */
  constructor(root: string) {
    this.#root = root;
  }

  find(name: string): Promise<TaggedFile | null> {
    return storing(`read ${name}`, () => this.#find(name));
  }

  put(name: string, data: Uint8Array, condition: PutCondition = 'always'): Promise<string | null> {
    return storing(`write ${name}`, async () => {
      if (condition === 'always') return await this.#write(name, data);
      const release = await this.#lock();
      try {
        const found = await this.#find(name);
        const isMet = condition === 'if-absent' ? found === null : found?.tag === condition.ifTag;
        return isMet ? await this.#write(name, data) : null;
      } finally {
        release();
      }
    });
  }

  async putLarge(name: string, data: Uint8Array): Promise<void> {
    await this.put(name, data);
  }

  putFile(name: string, path: string): Promise<void> {
    return storing(`write ${name}`, () => this.#place(name, (temporary) => copyFile(path, temporary)));
  }

  fetchFile(name: string, path: string): Promise<void> {
    return storing(`read ${name}`, async () => {
      const temporary = `${path}${TEMPORARY}${randomUUID()}`;
      try {
        await copyFile(this.#pathOf(name), temporary);
        await sync(temporary);
        await rename(temporary, path);
      } catch (error) {
        removeQuietly(temporary, { recursive: false });
        throw error;
      }
      syncFolder(dirname(path));
    });
  }

  list(prefix: string): Promise<readonly BlobFileEntry[]> {
    return storing(`list ${prefix}`, async () => {
      // a prefix may end within a name, so the folder above is listed
      const folder = prefix.includes('/') ? dirname(`${prefix}.`) : '.';
      const options = { recursive: true, withFileTypes: true } as const;
      const entries: BlobFileEntry[] = [];
      for (const entry of await readdir(join(this.#root, folder), options).catch(ifMissing([]))) {
        const path = join(entry.parentPath, entry.name);
        const name = path.slice(join(this.#root, '/').length);
        if (!entry.isFile() || !name.startsWith(prefix) || name === LOCK || name.includes(TEMPORARY)) continue;
        const found = await stat(path).catch(ifMissing(null));
        // null if another process has just removed the file
        if (found !== null) entries.push({ name, sizeBytes: found.size, putAt: found.mtimeMs });
      }
      return entries;
    });
  }

  deleteFile(name: string): Promise<void> {
    return storing(`remove ${name}`, () => rm(this.#pathOf(name), { force: true }));
  }

  /**
   * Removes files that killed writers left below `prefix`, a folder. Must not run while another process writes there.
   */
  removeLeftovers(prefix: string): Promise<void> {
    return storing(`list ${prefix}`, async () => {
      const folder = this.#pathOf(prefix);
      const names = await readdir(folder).catch(ifMissing([]));
      await Promise.all(names.filter((name) => name.startsWith(TEMPORARY)).map((name) => rm(join(folder, name))));
    });
  }

  async #find(name: string): Promise<TaggedFile | null> {
    try {
      const data = await readFile(this.#pathOf(name));
      return { data, tag: createHash('sha256').update(data).digest('hex') };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  }

  async #write(name: string, data: Uint8Array): Promise<string> {
    await this.#place(name, async (temporary) => {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(data);
      } finally {
        await file.close();
      }
    });
    return createHash('sha256').update(data).digest('hex');
  }

  async #place(name: string, write: (temporary: string) => Promise<void>): Promise<void> {
    const path = this.#pathOf(name);
    // programs that read a folder usually skip names that begin with a dot
    const temporary = join(dirname(path), `${TEMPORARY}${randomUUID()}`);
    createFolder(dirname(path));
    try {
      await write(temporary);
      await sync(temporary);
      await rename(temporary, path);
    } catch (error) {
      removeQuietly(temporary, { recursive: false });
      throw error;
    }
    syncFolder(dirname(path));
  }

  async #lock(): Promise<() => void> {
    createFolder(this.#root);
    const release = await awaitFileLock(join(this.#root, LOCK), LOCK_WAIT_MS);
    if (release === null)
      throw new AppError('storage_failed', `another process has held ${join(this.#root, LOCK)} for too long`);
    return release;
  }

  #pathOf(name: string): string {
    const normal = normalize(name);
    assert(!normal.startsWith('..') && normal === name, `blob ${name} leads out of the store`);
    return join(this.#root, name);
  }
}

async function storing<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw storageError(what, error);
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
