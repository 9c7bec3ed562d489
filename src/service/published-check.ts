/** Verifies the published populations and models in the storage of blobs: every file of every version by its sha256. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles, RecordedFile, RecordedFiles } from '../domain/ports/blob-files.ts';
import { AppError } from '../lib/errors.ts';
import { withStorage } from '../lib/files/durable-files.ts';
import { drain, hashFileSlices } from '../lib/files/slices.ts';
import { listModelFiles } from '../model/share.ts';
import { listRecordedFiles } from '../population/share.ts';
import { SHARED_FOLDER } from '../storage/open-store.ts';

export interface PublishedReport {
  /** Published versions of the population, and published models. */
  readonly populations: number;
  readonly models: number;
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

/**
 * Verifies what is published, even while other processes publish and remove versions. @throws AppError storage_failed
 */
export async function checkPublished({ files, cache, progress }: PublishedCheckOptions): Promise<PublishedReport> {
  const recorded = await list(files);
  const byName = Map.groupBy(recorded.files, ({ name }) => name);
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
  const report = { populations: recorded.populations, models: recorded.models, bytes };
  if (suspects.size + recorded.faults.length === 0) return { ...report, faults: [] };
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

async function list(
  files: BlobFiles,
): Promise<Omit<RecordedFiles, 'versions'> & { populations: number; models: number }> {
  const [population, models] = [await listRecordedFiles(files), await listModelFiles(files)];
  return {
    ...{ populations: population.versions, models: models.versions },
    files: [...population.files, ...models.files],
    faults: [...population.faults, ...models.faults],
  };
}

/** What is wrong with a stored file; null if it is intact. `path` does not exist, and does not exist afterwards. */
async function faultOf(
  files: BlobFiles,
  { name, sha256 }: RecordedFile,
  path: string,
  onRead: (bytes: number) => void,
): Promise<string | null> {
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      await files.fetchFile(name, path);
      if (drain(hashFileSlices(path), onRead) === sha256) return null;
      rmSync(path);
    }
    return 'the sha256 of the file differs from its recorded sha256';
  } catch (error) {
    if (error instanceof AppError && error.facts['errno'] === 'ENOENT') return 'the file is missing';
    throw error;
  } finally {
    rmSync(path, { force: true });
  }
}

function describe(needing: readonly RecordedFile[]): string {
  const shown = needing.slice(0, SHOWN).map(({ neededBy }) => neededBy);
  return `${shown.join('; ')}${needing.length > SHOWN ? `; and ${needing.length - SHOWN} more` : ''}`;
}
