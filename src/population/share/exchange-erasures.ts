/**
 * Exchanges erasures between a population folder, in which imports run, and the log of the published population.
 * Afterwards each has the other's records, so no version that is published from the folder shows an erased user.
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobFiles } from '../../domain/ports/blob-files.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { syncFolder, withStorage } from '../../lib/files/durable-files.ts';
import type { TextTable } from '../../lib/text/text-table.ts';
import { appendErasures } from '../erase/erase-users.ts';
import type { ErasedRecord } from '../erase/erased-records.ts';
import { ERASED_KEY_FILE, Erasures } from '../erase/erasures.ts';
import { readTable } from '../import/table-files.ts';
import { withErasuresLock } from '../versions/lock.ts';
import { findLargestDirectory } from '../versions/manifest.ts';
import { addErasures, readErasures, requireSharedKey } from './erasure-log.ts';
import type { PublishedIndex } from './index-schema.ts';
import { readSharedState, type SharedState, writeSharedState } from './local-state.ts';
import { changeIndex, type IndexAt } from './published-index.ts';

/** Maximum number of rounds, because users may be erased during each. */
const ROUNDS = 20;

/**
 * Exchanges the erasures, and returns the index that has those of the folder. The caller must be the folder's writer.
 * @throws AppError invalid_population (the folder has another key), unavailable, storage_failed
 */
export async function exchangeErasures(folder: string, files: BlobFiles): Promise<IndexAt> {
  for (let round = 1; round <= ROUNDS; round++) {
    const at = await exchangeOnce(folder, files);
    if (at !== null) return at;
  }
  throw new AppError('unavailable', `users of ${folder} are being erased all the time: try again`);
}

/** Null if another round is necessary. */
async function exchangeOnce(folder: string, files: BlobFiles): Promise<IndexAt | null> {
  const erasures = new Erasures(folder);
  const state = readSharedState(folder);
  const { merged, pushed, unmatched: before } = state ?? { merged: 0, pushed: 0, unmatched: [] };
  if (pushed > erasures.count)
    throw new AppError(
      'invalid_population',
      `${folder} has fewer erasures than it has published: were its files replaced by an earlier copy?`,
    );
  const own = erasures.since(pushed);
  const read = pushed + own.length;
  const unmatched = [
    ...new Set([...before, ...own.filter(({ userNumber }) => userNumber < 0).map(({ hash }) => hash)]),
  ];
  if (own.length > 0) await requireOneKey(folder, files);
  const at = await changeIndex(files, async ({ index }) =>
    own.length === 0 ? null : await addErasures(files, index, own),
  );
  const others = await othersOf(files, at.index, { merged, own: own.length });
  if (others.length > 0) await requireOneKey(folder, files);
  const isNew = state === null ? notIn(erasures) : () => true;
  const found = matchNewUsers(folder, at.index, erasures, others.filter(isNew));
  const isDone = await withErasuresLock(folder, () => {
    erasures.refresh();
    // records that were added meanwhile must be pushed before records of the log follow them
    if (erasures.count !== read) return false;
    appendErasures(folder, others, erasures);
    const next: SharedState = { merged: at.index.erasures.count, pushed: erasures.count, unmatched };
    appendErasures(folder, found, erasures);
    writeSharedState(folder, next);
    return true;
  });
  if (!isDone) writeSharedState(folder, { merged, pushed: read, unmatched });
  return isDone && found.length === 0 ? at : null;
}

/**
 * Records the numbers of users who were erased in the folder before it had their numbers. `texts` are the ids from
 * number `first` on that the folder has just got from the published population. Returns whether there were any.
 */
export async function matchPulledUsers(folder: string, first: number, texts: TextTable): Promise<boolean> {
  const state = readSharedState(folder);
  if (state === null || state.unmatched.length === 0) return false;
  const erasures = new Erasures(folder);
  const hashes = new Set(state.unmatched);
  const found: ErasedRecord[] = [];
  for (let i = 0; i < texts.count; i++) {
    const userNumber = (first + i) as UserNumber;
    if (texts.isRedacted(i) || erasures.has(userNumber)) continue;
    const hash = erasures.hashOf(texts.text(i));
    if (hashes.has(hash)) found.push({ userNumber, hash });
  }
  await withErasuresLock(folder, () => {
    erasures.refresh();
    appendErasures(folder, found, erasures);
    writeSharedState(folder, { ...state, unmatched: [] });
  });
  return found.length > 0;
}

/** The records of the log that the folder lacks. The last `own` records are the folder's, if it has just added some. */
async function othersOf(
  files: BlobFiles,
  index: PublishedIndex,
  { merged, own }: { readonly merged: number; readonly own: number },
): Promise<readonly ErasedRecord[]> {
  const later = await readErasures(files, index, merged);
  return own === 0 ? later : later.slice(0, -own);
}

/**
 * Records for users whom only this folder's tables know: the log has their ids without the numbers that an import here
 * has given them.
 */
function matchNewUsers(
  folder: string,
  index: PublishedIndex,
  erasures: Erasures,
  others: readonly ErasedRecord[],
): ErasedRecord[] {
  const largest = findLargestDirectory(folder);
  if (largest === null || others.length === 0) return [];
  const ends = index.tables[largest.ends.path] ?? [];
  const published = ends.reduce((sum, { size }) => sum + size, 0) / Int32Array.BYTES_PER_ELEMENT;
  if (published >= largest.count) return [];
  const table = readTable(folder, largest);
  const hashes = new Set(others.map(({ hash }) => hash));
  const found: ErasedRecord[] = [];
  for (let number = published; number < table.count; number++) {
    if (table.isRedacted(number) || erasures.has(number as UserNumber)) continue;
    const hash = erasures.hashOf(table.text(number));
    if (hashes.has(hash)) found.push({ userNumber: number as UserNumber, hash });
  }
  return found;
}

/** Whether a record is not among the folder's records. */
function notIn(erasures: Erasures): (record: ErasedRecord) => boolean {
  const known = new Set(erasures.since(0).map(({ userNumber, hash }) => `${userNumber} ${hash}`));
  return ({ userNumber, hash }) => !known.has(`${userNumber} ${hash}`);
}

/**
 * Makes the key of the folder and the key of the published population the same.
 * @throws AppError invalid_population (the folder has another key), unavailable, storage_failed
 */
export async function requireOneKey(folder: string, files: BlobFiles): Promise<void> {
  const path = join(folder, ERASED_KEY_FILE);
  const own = existsSync(path) ? withStorage(`read ${path}`, () => readFileSync(path)) : null;
  const shared = await requireSharedKey(files, own);
  if (own === null) {
    const isFirst = await withErasuresLock(folder, () => {
      if (existsSync(path)) return false;
      writeKey(folder, shared);
      return true;
    });
    // a user was erased meanwhile, which made a key
    if (!isFirst) await requireOneKey(folder, files);
  } else if (!own.equals(shared))
    throw new AppError(
      'invalid_population',
      `${path} differs from the key of the published population, so its erasures would not be recognised: ` +
        'pull the published population into a new folder, and import there',
    );
}

/** Writes the key of the published population into a folder. @throws AppError storage_failed */
export function writeKey(folder: string, key: Uint8Array): void {
  const path = join(folder, ERASED_KEY_FILE);
  const temporary = `${path}.tmp`;
  withStorage(`write ${path}`, () => {
    rmSync(temporary, { force: true });
    writeFileSync(temporary, key, { mode: 0o600, flush: true });
    renameSync(temporary, path);
    syncFolder(folder);
  });
}
