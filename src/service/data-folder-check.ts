/** Compares the database of a data folder with the files: verifies every file by its checksum, and finds orphans. */
import { join } from 'node:path';
import type { StoreUpkeep } from '../domain/ports/upkeep.ts';
import { isMissing, messageOf } from '../lib/errors.ts';
import { drainAsync } from '../lib/files/slices.ts';
import { checkModels } from '../model/check-models.ts';
import { CUSTOMISED_FILE, decodeCustomised } from '../model/customised.ts';
import { MODELS_FOLDER } from '../model/versions.ts';
import { type Item, itemsOfStore } from './integrity.ts';

export interface Fault {
  /** Path relative to the data folder. */
  readonly path: string;
  readonly message: string;
}

export interface DataFolderReport {
  /** User sets and rankings that rows refer to. */
  readonly sets: number;
  readonly rankings: number;
  /** Promoted models. */
  readonly models: number;
  /** Versions of the promoted models whose files are intact. */
  readonly wholeModels: readonly string[];
  readonly bytes: number;
  /** Missing or damaged files and rows. */
  readonly faults: readonly Fault[];
  /**
   * Files that no row refers to (except files that a running expansion may be writing), and leftovers of an interrupted
   * promotion.
   */
  readonly orphans: readonly string[];
}

export interface CheckOptions {
  /** The data folder, whose promoted models are checked too; null for a store without one. */
  readonly dataDir: string | null;
  /** Whether no service uses the folder. */
  readonly isAlone: boolean;
}

const NO_MODELS: ReturnType<typeof checkModels> = {
  ...{ versions: [], bytes: 0, served: null, base: null, faults: [], leftovers: [] },
};

/**
 * Checks a data folder, even while a service is using it. If the service writes, replaces or removes a file during the
 * check, the file is compared with its row again. Files that are being written (`*.tmp`, a model being promoted) count
 * as orphans only if `isAlone`.
 */
export async function checkDataFolder(
  upkeep: StoreUpkeep,
  { dataDir, isAlone }: CheckOptions,
  progress: (done: number, all: number) => void = () => {},
): Promise<DataFolderReport> {
  const orphans = await upkeep.orphans(isAlone);
  const contents = await upkeep.contents();
  const items = [...itemsOfStore(upkeep, contents)];
  const faults: Fault[] = (await upkeep.faults()).map((message) => ({ path: 'metaheac.db', message }));
  const suspects: (Item & Fault)[] = [];
  let bytes = 0;
  for (const [i, item] of items.entries()) {
    progress(i, items.length);
    const { fault } = await drainAsync(item.check(), (read) => {
      bytes += read;
    });
    const message = fault ?? (item.kind === 'ranking' ? await customisedFault(upkeep.blobs, item.path) : null);
    if (message !== null) suspects.push({ ...item, message });
  }
  const models = dataDir === null ? NO_MODELS : checkModels(join(dataDir, MODELS_FOLDER));
  const after = await upkeep.contents();
  const still = new Set(await upkeep.orphans(isAlone));
  return {
    sets: contents.sets.size,
    rankings: contents.rankings.size,
    models: models.versions.length,
    wholeModels: models.versions.filter((version) => !models.faults.some(({ path }) => path === version)),
    bytes: bytes + models.bytes,
    faults: [
      ...faults,
      ...suspects.filter((item) => item.isNeeded(after)).map(({ path, message }) => ({ path, message })),
      ...models.faults.map(({ path, message }) => ({ path: `${MODELS_FOLDER}/${path}`, message })),
    ],
    orphans: [
      ...orphans.filter((path) => still.has(path)),
      ...(isAlone ? models.leftovers.map((name) => `${MODELS_FOLDER}/${name}`) : []),
    ],
  };
}

/** Checks the customised model of a ranking, if there is one, by its own checksum. */
async function customisedFault(blobs: StoreUpkeep['blobs'], folder: string): Promise<string | null> {
  try {
    decodeCustomised(await blobs.read(folder, CUSTOMISED_FILE), `${folder}/${CUSTOMISED_FILE}`);
    return null;
  } catch (error) {
    if (isMissing(error)) return null;
    return messageOf(error);
  }
}
