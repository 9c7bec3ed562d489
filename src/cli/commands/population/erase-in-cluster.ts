/** `metaheac population erase` for the users of a cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readLines } from '../../../dataset/lines.ts';
import { UsageError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { STORE_OPTIONS } from '../../../service/data-folder.ts';
import { type FlagValues, settingsOf } from '../../settings.ts';
import { withChosenStore } from '../chosen-store.ts';
import { recorded } from '../keys/recorded.ts';
import { clusterOf } from '../serve/cluster-settings.ts';
import { readEraseIds } from './erase-ids.ts';

const LOOK_EVERY_MS = 250;
/** How long the command waits for a node to erase the users. */
const WAIT_MS = 60_000;
/** Maximum number of requests that are read at once. */
const MOST_REQUESTED = 1_000_000;

/**
 * Asks the nodes of a cluster to erase the users whose ids a file lists, and waits until they have.
 * @throws UsageError if neither a folder nor a cluster is named
 */
export async function eraseInClusterCommand(ids: string, values: FlagValues, output: Output): Promise<void> {
  const cluster = clusterOf(settingsOf(values).values);
  if (cluster === null) throw new UsageError('name the population folder, or a cluster with --store and --blobs');
  const userIds = await readEraseIds(readLines(ids), ids);
  const { clock } = STORE_OPTIONS;
  await withChosenStore(cluster, async (store) => {
    await recorded(store, { action: 'eraseUser', resource: 'user', resourceId: null }, () =>
      store.requestErasure(userIds),
    );
    const wanted = new Set(userIds);
    for (const end = clock.elapsed() + WAIT_MS; clock.elapsed() < end; ) {
      const waiting = await store.requestedErasures(MOST_REQUESTED);
      if (!waiting.some((userId) => wanted.has(userId))) {
        output.result(`${userIds.length} users: erased`);
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
    output.result(`${userIds.length} users: the erasure is recorded; a node erases them as soon as one leads`);
  });
}
