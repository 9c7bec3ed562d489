/** `metaheac population erase`. */
import { readLines } from '../../../dataset/lines.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { eraseUsers, redactErasedUsers } from '../../../population/erase.ts';
import { openPopulation } from '../../../population/read.ts';
import { STORE_OPTIONS } from '../../../service/data-folder.ts';
import { locateStore, lockStore, openStore } from '../../../storage/open-store.ts';
import { recorded } from '../keys/recorded.ts';
import { readEraseIds } from './erase-ids.ts';

export interface PopulationEraseOptions {
  ids: string;
  dataDir?: string;
}

/** Erases the users whose ids a file lists, even while a service is using the population or the data folder. */
export async function populationEraseCommand(
  dir: string,
  options: PopulationEraseOptions,
  output: Output,
): Promise<void> {
  const { ids, dataDir } = options;
  const userIds = await readEraseIds(readLines(ids), ids);
  const population = openPopulation(dir);
  const { erased, known } = await eraseUsers(dir, userIds, population);
  output.result(`${userIds.length} users: ${erased} erased now, ${known} of them known to the population`);
  if (dataDir === undefined)
    output.note(
      'the seeds, lists and feedback in data folders are unchanged; to erase the users there, name the data folder with --data-dir',
    );
  else await eraseIn(dataDir, userIds, output);
  output.result(redact(dir));
}

/**
 * Records the erasure in the store and in the audit log. A running service completes the erasure now; otherwise, the
 * next service to start completes it.
 */
async function requestIn(dataDir: string, userIds: readonly string[]): Promise<void> {
  const store = await openStore(locateStore(dataDir), STORE_OPTIONS);
  try {
    const what = { action: 'eraseUser', resource: 'user', resourceId: null };
    await recorded(store, what, () => store.requestErasure(userIds));
  } finally {
    await store.close();
  }
}

async function eraseIn(dataDir: string, userIds: readonly string[], output: Output): Promise<void> {
  await requestIn(dataDir, userIds);
  const locator = locateStore(dataDir);
  const release = await tryLock(() => lockStore(locator));
  if (release === null) {
    output.result(`the service that is using ${dataDir} will erase the users there within seconds`);
    return;
  }
  try {
    const store = await openStore(locator, STORE_OPTIONS);
    try {
      // nobody else is writing: files of uploads that were killed may have the ids too
      await store.removeLeftovers();
      for (;;) {
        const requested = await store.requestedErasures(MOST_REQUESTED);
        if (requested.length === 0) return;
        const { sets, feedback, answers } = await store.eraseUsers(requested);
        output.result(
          `${dataDir}: ${sets} sets, ${feedback} events and ${answers} stored responses contained erased users`,
        );
      }
    } finally {
      await store.close();
    }
  } finally {
    release();
  }
}

function redact(dir: string): string {
  try {
    return `${redactErasedUsers(dir)} ids were overwritten in ${dir}`;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    return `the ids of erased users stay in ${dir} until the next import or prune, because another process holds the lock`;
  }
}

/** Returns null if another process holds the lock. */
async function tryLock(lock: () => Promise<() => void>): Promise<(() => void) | null> {
  try {
    return await lock();
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') return null;
    throw error;
  }
}

/** Maximum number of ids per call if users are also erased from a store. */
const MOST_REQUESTED = 100_000;
