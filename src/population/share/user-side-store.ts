/**
 * User sides in the storage of blobs, so that the hosts of a cluster make each only once. They are named after what
 * they were made from. For each version and model there is a list of their names, which says how long they are needed.
 */
import { posix } from 'node:path';
import { z } from 'zod';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { USER_SIDE_LISTS_PREFIX, USER_SIDES_PREFIX } from './index-schema.ts';

const listSchema = z.array(z.string());

export class UserSideStore {
  readonly #files: BlobFiles;
  readonly #stored = new Set<string>();

  private constructor(files: BlobFiles) {
    this.#files = files;
  }

  /**
   * Opens the user sides of a version for a model. `names` are the names of all of them, `<folder>/<key>.users`, in one
   * folder. @throws AppError storage_failed
   */
  static async open(files: BlobFiles, version: string, names: readonly string[]): Promise<UserSideStore> {
    const store = new UserSideStore(files);
    const folder = names[0]?.split('/')[0];
    if (folder === undefined) return store;
    // listed before any of them is stored, so that a sweep keeps them
    const list = Buffer.from(JSON.stringify(names));
    await files.put(`${USER_SIDE_LISTS_PREFIX}${version}/${folder}.json`, list, 'if-absent');
    const wanted = new Set(names);
    for (const { name } of await files.list(`${USER_SIDES_PREFIX}${folder}/`)) {
      const own = name.slice(USER_SIDES_PREFIX.length);
      if (wanted.has(own)) store.#stored.add(own);
    }
    return store;
  }

  has(name: string): boolean {
    return this.#stored.has(name);
  }

  /** Fetches a stored user side to a path, whose folder must exist. @throws AppError storage_failed */
  async fetch(name: string, path: string): Promise<void> {
    await this.#files.fetchFile(USER_SIDES_PREFIX + name, path);
  }

  /** A stored user side is damaged, so that another one has to be put. */
  forget(name: string): void {
    this.#stored.delete(name);
  }

  /** Stores a user side, unless there is one. @throws AppError storage_failed */
  async put(name: string, path: string): Promise<void> {
    if (this.#stored.has(name)) return;
    await this.#files.putFile(USER_SIDES_PREFIX + name, path);
    this.#stored.add(name);
  }
}

/** The user sides that no version needs. @throws AppError storage_failed */
export async function unusedUserSides(files: BlobFiles, versions: ReadonlySet<string>): Promise<readonly string[]> {
  const used = new Set<string>();
  const unused: string[] = [];
  for (const { name, names } of await readLists(files)) {
    // engines write a damaged list again when they need it
    if (names === null || !versions.has(versionOf(name))) unused.push(name);
    else for (const one of names) used.add(one);
  }
  for (const { name } of await files.list(USER_SIDES_PREFIX))
    if (!used.has(name.slice(USER_SIDES_PREFIX.length))) unused.push(name);
  return unused;
}

/** A stored user side that a version of the population needs. */
export interface StoredUserSideFile {
  readonly name: string;
  /** The key that the file must have. */
  readonly key: string;
  /** What needs the file, for people. */
  readonly neededBy: string;
}

/**
 * The stored user sides that these versions need; those that are not stored are made when they are needed. Lists that
 * cannot be read are faults. @throws AppError storage_failed
 */
export async function listUserSides(files: BlobFiles, versions: ReadonlySet<string>) {
  const stored = new Set((await files.list(USER_SIDES_PREFIX)).map(({ name }) => name));
  const found: StoredUserSideFile[] = [];
  const faults: { readonly name: string; readonly message: string }[] = [];
  for (const { name: list, names } of await readLists(files)) {
    const version = versionOf(list);
    if (!versions.has(version)) continue;
    if (names === null) faults.push({ name: list, message: 'the list of user sides is not valid' });
    for (const own of names ?? []) {
      const name = USER_SIDES_PREFIX + own;
      if (stored.has(name))
        found.push({ name, key: posix.basename(own, '.users'), neededBy: `version ${version}, ${own}` });
    }
  }
  return { files: found, faults };
}

/** All lists with the names in them; null for the names of a list that is not valid. */
async function readLists(files: BlobFiles) {
  const lists: { readonly name: string; readonly names: readonly string[] | null }[] = [];
  for (const { name } of await files.list(USER_SIDE_LISTS_PREFIX)) {
    const found = await files.find(name);
    // removed since it was listed
    if (found !== null) lists.push({ name, names: parseList(found.data) });
  }
  return lists;
}

function parseList(data: Uint8Array): readonly string[] | null {
  try {
    return listSchema.parse(JSON.parse(Buffer.from(data).toString('utf8')));
  } catch {
    return null;
  }
}

/** The version that a list belongs to. */
function versionOf(list: string): string {
  return list.slice(USER_SIDE_LISTS_PREFIX.length).split('/')[0]!;
}
