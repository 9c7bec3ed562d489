/**
 * User sides in the storage of blobs, so that the hosts of a cluster make each only once. They are named after what
 * they were made from. For each version and model there is a list of their names, which says how long they are needed.
 */
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import { USER_SIDE_LISTS_PREFIX, USER_SIDES_PREFIX } from './index-schema.ts';

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

  /** Stores a user side. @throws AppError storage_failed */
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
  for (const { name } of await files.list(USER_SIDE_LISTS_PREFIX)) {
    const version = name.slice(USER_SIDE_LISTS_PREFIX.length).split('/')[0]!;
    const list = versions.has(version) ? await files.find(name) : null;
    if (list === null) unused.push(name);
    else for (const one of JSON.parse(Buffer.from(list.data).toString('utf8')) as string[]) used.add(one);
  }
  for (const { name } of await files.list(USER_SIDES_PREFIX))
    if (!used.has(name.slice(USER_SIDES_PREFIX.length))) unused.push(name);
  return unused;
}
