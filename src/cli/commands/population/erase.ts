/** `metaheac population erase`: erases users from a population folder or a cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { lineError, readLines } from '../../../dataset/lines.ts';
import { AppError, UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import type { LineBatch } from '../../../lib/text/lines.ts';
import { eraseUsers, redactErasedUsers } from '../../../population/erase.ts';
import { IMPORT_LIMITS } from '../../../population/import.ts';
import { openPopulation, withOtherIds } from '../../../population/read.ts';
import { STORE_OPTIONS, withDataFolder } from '../../../service/data-folder.ts';
import { locateStore, lockStore } from '../../../storage/open-store.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { clusterOf, recorded, withChosenStore } from '../chosen-store.ts';

/** Maximum number of ids in a file. */
const MAXIMUM_IDS = 1_000_000;
/** Matches a table header, which would otherwise be mistaken for an id. */
const HEADER = /^"?user_?id"?([,;\t]|$)/i;
/** Maximum number of users who are erased from a data folder at a time. */
const ERASED_AT_ONCE = 100_000;
const LOOK_EVERY_MS = 250;
/** How long the command waits for a node of a cluster to erase the users. */
const WAIT_MS = 60_000;
const ERASURE = { action: 'eraseUser', resource: 'user', resourceId: null };

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
  const given = await readEraseIds(readLines(ids), ids);
  const population = openPopulation(dir);
  const userIds = withOtherIds(given, population.directory);
  const { erased, known } = await eraseUsers(dir, userIds, population);
  output.result(`${given.length} users: ${erased} erased now, ${known} of them known to the population`);
  if (dataDir === undefined)
    output.note(
      'the seeds, lists and feedback in data folders are unchanged; to erase the users there, name the data folder with --data-dir',
    );
  else await eraseIn(dataDir, userIds, output);
  output.result(redact(dir));
}

/**
 * Records the erasure in the store and in the audit log. A running service completes it at once; without one, this
 * command does.
 */
async function eraseIn(dataDir: string, userIds: readonly string[], output: Output): Promise<void> {
  await withDataFolder(dataDir, (store) => recorded(store, ERASURE, () => store.requestErasure(userIds)));
  const release = await tryLock(() => lockStore(locateStore(dataDir)));
  if (release === null) {
    output.result(`the service that is using ${dataDir} will erase the users there within seconds`);
    return;
  }
  try {
    await withDataFolder(dataDir, async (store) => {
      // no other process is writing, and files of killed uploads may contain the ids too
      await store.removeLeftovers();
      for (;;) {
        const requested = await store.requestedErasures(ERASED_AT_ONCE);
        if (requested.length === 0) return;
        const { sets, feedback, answers } = await store.eraseUsers(requested);
        output.result(
          `${dataDir}: ${sets} sets, ${feedback} events and ${answers} stored responses contained erased users`,
        );
      }
    });
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

/**
 * Asks the nodes of a cluster to erase the users listed in a file, and waits until they have done so.
 * @throws UsageError if neither a folder nor a cluster is given
 */
export async function eraseInClusterCommand(ids: string, values: FlagValues, output: Output): Promise<void> {
  const cluster = clusterOf(settingsOf(values).values);
  if (cluster === null) throw new UsageError('name the population folder, or a cluster with --store and --blobs');
  const userIds = await readEraseIds(readLines(ids), ids);
  const { clock } = STORE_OPTIONS;
  await withChosenStore(cluster, async (store) => {
    await recorded(store, ERASURE, () => store.requestErasure(userIds));
    const wanted = new Set(userIds);
    for (const end = clock.elapsed() + WAIT_MS; clock.elapsed() < end; ) {
      const waiting = await store.requestedErasures(MAXIMUM_IDS);
      if (!waiting.some((userId) => wanted.has(userId))) {
        output.result(`${userIds.length} users: erased`);
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
    output.result(`${userIds.length} users: the erasure is recorded; a node erases them as soon as one leads`);
  });
}

/**
 * Reads distinct ids, one per line, skipping empty lines.
 * @throws AppError invalid_data (file:line): a header, UTF-16, an id that is too long, too many ids, or no ids
 */
export async function readEraseIds(batches: AsyncIterable<LineBatch>, path: string): Promise<string[]> {
  const ids = new Set<string>();
  for await (const { firstLine, lines } of batches) {
    for (const [i, line] of lines.entries()) {
      if (firstLine + i === 1 && HEADER.test(line))
        throw lineError(path, 1, 'this line is the header of a table: give only the ids, one per line');
      if (line === '') continue;
      if (line.includes('\0'))
        throw lineError(path, firstLine + i, 'the line contains a NUL byte: the file must be UTF-8');
      if (Buffer.byteLength(line) > IMPORT_LIMITS.maximumUserIdBytes)
        throw lineError(path, firstLine + i, `the id is longer than ${IMPORT_LIMITS.maximumUserIdBytes} bytes`);
      ids.add(line);
      if (ids.size > MAXIMUM_IDS)
        throw lineError(path, firstLine + i, `there are more than ${MAXIMUM_IDS} ids: split the file`);
    }
  }
  if (ids.size === 0) throw new AppError('invalid_data', `${path} has no ids`);
  return [...ids];
}
