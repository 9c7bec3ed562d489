/** Postgres fulfils the contract of distributed expansions, and removes what the claims of an expansion left. */
import { expect, it } from 'vitest';
import { workFolder } from '../../../src/domain/ports/ranges.ts';
import { mergedFolder } from '../../../src/domain/ranking-name.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { describeRanges } from '../../domain/contract/ranges.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { sharedStore } from './shared-store.ts';

describeWithPostgres('ranges in Postgres', () => {
  describeRanges(sharedStore);

  it('leave nothing of an ended expansion but its ranking', async () => {
    const store = await sharedStore().open();
    await store.create(newCampaign(), everyoneIsKnown);
    const first = (await store.claim('1:a'))!;
    await store.releaseOwner('1:a');
    const job = (await store.claim('2:b'))!;
    const { campaignId, expansionId } = job;
    const file = new Map([['file', Uint8Array.of(1)]]);
    const folders = [first, job].flatMap(({ token }) => [
      workFolder(expansionId, token),
      mergedFolder(campaignId, expansionId, token),
    ]);
    for (const folder of folders) await store.blobs.publish(folder, file);
    await store.removeUnusedFiles();
    const left = async () => {
      const has = await Promise.all(folders.map((folder) => store.blobs.has(folder)));
      return folders.filter((_, i) => has[i]);
    };
    expect(await left()).toEqual(folders);
    const folder = mergedFolder(campaignId, expansionId, job.token);
    expect(await expand(store, job, { folder })).toBe(true);
    await store.removeUnusedFiles();
    expect(await left()).toEqual([folder]);
  });
});
