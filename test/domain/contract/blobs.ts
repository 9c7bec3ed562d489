/** Blobs: published as a whole, read by ranges, and removed with their owners. */
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { checkpointFolder, rankingFolder } from '../../../src/domain/ranking-name.ts';
import { describeBlobPort, put } from './blob-port.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

const DAY_MS = 24 * 3600 * 1000;
/** Finishes the next job with a ranking; returns the name of the ranking. */
async function finishNext(store: CampaignStore): Promise<string> {
  const job = (await store.claim('1:a'))!;
  const folder = rankingFolder(job.campaignId, job.expansionId);
  await put(store.blobs, folder);
  expect(await expand(store, job, { folder })).toBe(true);
  return folder;
}

export function describeBlobs(newData: NewData): void {
  describeBlobPort(() => {
    const data = newData();
    return async () => (await data.open()).blobs;
  });

  describe('rankings', () => {
    it('are removed with pruned audience versions, but not with versions that are kept', async () => {
      const { data, store, id } = await created(newData());
      const folders = [await finishNext(store)];
      for (let i = 0; i < 4; i++) {
        await store.expand(id);
        folders.push(await finishNext(store));
      }
      const kept = async () => {
        const isThere = await Promise.all(folders.map((folder) => store.blobs.has(folder)));
        return isThere.flatMap((is, i) => (is ? [i + 1] : []));
      };
      await store.activate(id, 1);
      await store.prune({ versions: 3, days: 1 });
      expect(await kept()).toEqual([1, 3, 4, 5]);
      await store.activate(id, 5);
      await store.prune({ versions: 2, days: 1 });
      expect(await kept()).toEqual([3, 4, 5]);
      data.clock.pass(DAY_MS + 1);
      await store.prune({ versions: 3, days: 1 });
      expect(await kept()).toEqual([5]);
    });

    it('are removed with their campaign, except for one that another expansion is writing', async () => {
      const { store, id } = await created(newData());
      const folder = await finishNext(store);
      const running = await store.create(newCampaign(), everyoneIsKnown);
      const unfinished = rankingFolder(running.id, running.expansionId!);
      const kept = checkpointFolder(running.id, running.expansionId!);
      for (const name of [unfinished, kept]) await put(store.blobs, name);
      await store.delete(id);
      expect(await Promise.all([folder, unfinished, kept].map((name) => store.blobs.has(name)))).toEqual([
        false,
        true,
        true,
      ]);
      await store.cancel(running.id, running.expansionId!);
      await store.removeUnusedFiles();
      expect(await Promise.all([unfinished, kept].map((name) => store.blobs.has(name)))).toEqual([false, false]);
    });
  });
}
