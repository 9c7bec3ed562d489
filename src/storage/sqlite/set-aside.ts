/**
 * `set-aside/<time>/` of a data folder: what its database does not know and did not make. Nothing of it is removed:
 * it may be all that is left of what another database knew.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createFolder, listFolder, syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import type { Database } from './database.ts';
import { isOwn } from './folder-mark.ts';

const SET_ASIDE = 'set-aside';

/**
 * Moves files and folders (relative to the data folder) into a folder of this moment, where they have the same paths.
 * Returns that folder, relative to the data folder; null where none of them is there. @throws AppError storage_failed
 */
export function setAside(dataDir: string, paths: readonly string[], now: number): string | null {
  const found = paths.filter((path) => existsSync(join(dataDir, path)));
  if (found.length === 0) return null;
  return withStorage(`set ${found[0]} of ${dataDir} aside`, () => {
    const folder = freeName(dataDir, now);
    const touched = new Set<string>();
    for (const path of found) {
      const target = join(dataDir, folder, path);
      createFolder(dirname(target));
      renameSync(join(dataDir, path), target);
      touched.add(dirname(target)).add(dirname(join(dataDir, path)));
    }
    for (const each of touched) syncFolder(each);
    return folder;
  });
}

/** As `Connection.discard`. */
export function discardFiles(
  database: Database,
  dataDir: string,
  paths: readonly string[],
  now: number,
): string | null {
  if (paths.length === 0) return null;
  if (!isOwn(database, dataDir)) return setAside(dataDir, paths, now);
  for (const path of paths)
    withStorage(`remove ${path}`, () => rmSync(join(dataDir, path), { recursive: true, force: true }));
  return null;
}

/** The folders of what was set aside, relative to the data folder. */
export function listSetAside(dataDir: string): string[] {
  return withStorage(`list ${dataDir}`, () =>
    listFolder(join(dataDir, SET_ASIDE))
      .sort()
      .map((name) => `${SET_ASIDE}/${name}`),
  );
}

function freeName(dataDir: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[:.]/g, '-');
  for (let i = 0; ; i++) {
    const name = `${SET_ASIDE}/${time}${i === 0 ? '' : `-${i}`}`;
    if (!existsSync(join(dataDir, name))) return name;
  }
}
