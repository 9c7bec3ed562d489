/** Exchanges user sides with the other hosts of a cluster through the storage of blobs. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BlobFiles } from '../domain/ports/blob-files.ts';
import { claimSibling } from '../lib/files/temporary-sibling.ts';
import { findKeyOfUserSide } from '../online/user-side/user-side-codec.ts';
import { type KeptUserSides, placeUserSide } from '../online/user-side/user-side-folders.ts';
import { UserSideStore } from '../population/share.ts';

/** The user sides of a version for a model. */
export interface UserSideExchange {
  /**
   * Brings the user side of a segment to this host if another host has stored it. Returns whether it is here; null if
   * all of the population's user sides would take too much space. One that is damaged in the storage is not here, and
   * `store` replaces it.
   * @throws AppError storage_failed, unavailable
   */
  fetch(segment: number): Promise<boolean | null>;

  /** Stores the user side that this host has made. @throws AppError storage_failed */
  store(segment: number): Promise<void>;
}

/** `names` are the names of the files of all segments. */
export async function openUserSideExchange(
  files: BlobFiles,
  population: string,
  kept: KeptUserSides,
  names: readonly string[],
  maximumBytes: number,
): Promise<UserSideExchange> {
  const stored = await UserSideStore.open(files, kept.version, names);
  const pathOf = (name: string) => join(population, kept.version, name);
  return {
    async fetch(segment) {
      const name = names[segment]!;
      if (existsSync(pathOf(name))) return true;
      if (!stored.has(name)) return false;
      const sibling = claimSibling(pathOf(name), `write ${pathOf(name)}`, { createsFolder: false });
      try {
        await stored.fetch(name, sibling.path);
        if (findKeyOfUserSide(readFileSync(sibling.path)) !== basename(name, '.users')) {
          stored.forget(name);
          return false;
        }
        return placeUserSide(population, kept, { name, fetched: sibling.path }, maximumBytes) ? true : null;
      } finally {
        sibling.release();
      }
    },
    async store(segment) {
      const name = names[segment]!;
      if (existsSync(pathOf(name))) await stored.put(name, pathOf(name));
    },
  };
}
