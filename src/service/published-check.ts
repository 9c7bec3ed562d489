/**
 * Verifies the published populations and models in the storage of blobs: every file of every version by its sha256, and
 * stored user sides by their checksums.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles } from '../domain/ports/blob-files.ts';
import { isMissing } from '../lib/errors.ts';
import { withStorage } from '../lib/files/durable-files.ts';
import { drain, hashFileSlices } from '../lib/files/slices.ts';
import { listModelFiles } from '../model/published.ts';
import { findKeyOfUserSide } from '../online/user-side/user-side-codec.ts';
import { listRecordedFiles } from '../population/share.ts';
import { SHARED_FOLDER } from '../storage/open-store.ts';

export interface PublishedReport {
  /** Published versions of the population, and published models. */
  readonly populations: number;
  readonly models: number;
  /** Stored user sides that a published version needs. */
  readonly userSides: number;
  readonly bytes: number;
  /** Missing or damaged files; `path` is relative to the location of the blobs. */
  readonly faults: readonly { readonly path: string; readonly message: string }[];
}

interface PublishedCheckOptions {
  readonly files: BlobFiles;
  /** Folder of this machine in which each file is for as long as it is verified. It is created. */
  readonly cache: string;
  readonly progress?: (done: number, all: number) => void;
}

/** A file that arrives with other bytes is fetched again, because they may have changed on the way. */
const ATTEMPTS = 2;

/** Names of versions that are given for one damaged file. */
const SHOWN = 3;

/** A stored file, how its bytes are checked, and what needs it, for people. */
interface Expected {
  readonly name: string;
  readonly neededBy: string;
  /** What is wrong with a copy of the file on this machine; null if it is intact. */
  readonly check: (path: string, onRead: (bytes: number) => void) => string | null;
}

/**
 * Verifies what is published, even while other processes publish and remove versions. @throws AppError storage_failed
 */
export async function checkPublished({ files, cache, progress }: PublishedCheckOptions): Promise<PublishedReport> {
  const expected = await list(files);
  const byName = Map.groupBy(expected.files, ({ name }) => name);
  const folder = join(cache, `verifying-${randomUUID()}`);
  withStorage(`create ${folder}`, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  const suspects = new Map<string, string>();
  let bytes = 0;
  try {
    let done = 0;
    for (const [name, [file]] of byName) {
      progress?.(done++, byName.size);
      const message = await faultOf(files, file!, join(folder, 'file'), (read) => {
        bytes += read;
      });
      if (message !== null) suspects.set(name, message);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { populations, models, userSides } = expected;
  const report = { populations, models, userSides, bytes };
  if (suspects.size + expected.faults.length === 0) return { ...report, faults: [] };
  // a version that was removed meanwhile needs its files no more
  const after = await list(files);
  const still = Map.groupBy(after.files, ({ name }) => name);
  const damaged = [...suspects].flatMap(([name, message]) => {
    const needing = still.get(name);
    return needing === undefined ? [] : [{ name, message: `${message} (${describe(needing)})` }];
  });
  const faults = [...after.faults, ...damaged];
  return { ...report, faults: faults.map(({ name, message }) => ({ path: `${SHARED_FOLDER}/${name}`, message })) };
}

async function list(files: BlobFiles) {
  const [population, models] = [await listRecordedFiles(files), await listModelFiles(files)];
  const recorded = [...population.files, ...models.files].map(
    ({ name, sha256, neededBy }): Expected => ({
      ...{ name, neededBy },
      check: (path, onRead) =>
        drain(hashFileSlices(path), onRead) === sha256
          ? null
          : 'the sha256 of the file differs from its recorded sha256',
    }),
  );
  const userSides = population.userSides.map(
    ({ name, key, neededBy }): Expected => ({
      name,
      neededBy,
      check: (path, onRead) => faultOfUserSide(path, key, onRead),
    }),
  );
  return {
    ...{ populations: population.versions, models: models.versions },
    userSides: new Set(userSides.map(({ name }) => name)).size,
    files: [...recorded, ...userSides],
    faults: [...population.faults, ...models.faults],
  };
}

function faultOfUserSide(path: string, key: string, onRead: (bytes: number) => void): string | null {
  const bytes = withStorage(`read ${path}`, () => readFileSync(path));
  onRead(bytes.length);
  const found = findKeyOfUserSide(bytes);
  if (found === key) return null;
  const what = found === null ? 'is damaged' : 'belongs to other users or another model';
  return `the user side ${what}; the next engine that fetches it makes it again`;
}

/** What is wrong with a stored file; null if it is intact. `path` does not exist, and does not exist afterwards. */
async function faultOf(
  files: BlobFiles,
  { name, check }: Expected,
  path: string,
  onRead: (bytes: number) => void,
): Promise<string | null> {
  try {
    let fault: string | null = null;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      await files.fetchFile(name, path);
      fault = check(path, onRead);
      if (fault === null) return null;
      rmSync(path);
    }
    return fault;
  } catch (error) {
    if (isMissing(error)) return 'the file is missing';
    throw error;
  } finally {
    rmSync(path, { force: true });
  }
}

function describe(needing: readonly Expected[]): string {
  const shown = needing.slice(0, SHOWN).map(({ neededBy }) => neededBy);
  return `${shown.join('; ')}${needing.length > SHOWN ? `; and ${needing.length - SHOWN} more` : ''}`;
}
