/** Files of the data folder: shared, refused, and removed with what they are of. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../src/campaigns/ports/store.ts';
import { everyoneIsKnown, expand, newCampaign } from '../campaigns/contract/inputs.ts';
import { dataFolder } from './data-folder.ts';

const DAY_MS = 24 * 3600 * 1000;

function finishNext(store: CampaignStore): void {
  const job = store.claim('1:a')!;
  expect(expand(store, job, { folder: `audiences/${job.campaignId}/${job.expansionId}` })).toBe(true);
}

/** A campaign with a finished expansion. */
function ready(store: CampaignStore): string {
  const { id } = store.create(newCampaign(), everyoneIsKnown);
  finishNext(store);
  return id;
}

describe('files of user sets', () => {
  it('shares one seed file between campaigns with the same set', () => {
    const data = dataFolder();
    const store = data.open();
    store.create(newCampaign({ seeds: ['ann', 'bob'] }), everyoneIsKnown);
    store.create(newCampaign({ seeds: ['bob', 'ann', 'bob'] }), everyoneIsKnown);
    expect(readdirSync(join(data.folder, 'seeds')).length).toBe(1);
  });

  it('leaves no campaign where its seeds cannot be written', () => {
    const data = dataFolder();
    const store = data.open();
    writeFileSync(join(data.folder, 'seeds'), 'a file where the folder should be');
    expect(() => store.create(newCampaign(), everyoneIsKnown)).toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
    expect(store.list({ limit: 10 }).items).toEqual([]);
  });

  it('says storage_failed where the file was altered', () => {
    const data = dataFolder();
    const store = data.open();
    store.create(newCampaign({ seeds: ['ann', 'bob'] }), everyoneIsKnown);
    const job = store.claim('1:a')!;
    const sha256 = '96d7d896bf82d0eb9e36764b3b477bc6a07a2301eda20b31475fb0cba5d41361';
    expect([...store.setBlocks(job.sets.seeds)].flat()).toEqual(['ann', 'bob']);
    writeFileSync(join(data.folder, 'seeds', `${sha256}.txt`), 'ann\n');
    expect(() => [...store.setBlocks(job.sets.seeds)].flat()).toThrow(
      expect.objectContaining({ code: 'storage_failed' }),
    );
  });
});

describe('folders of rankings', () => {
  it('are pruned by count and age with their folders, the active one and numbers given never', async () => {
    const data = dataFolder();
    const store = data.open();
    const id = ready(store);
    const folders = () => readdirSync(join(data.folder, 'audiences', id)).length;
    const make = () => {
      const { folder } = store.activeAudience(id);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'ranking.json'), '{}');
    };
    make();
    for (let i = 0; i < 4; i++) {
      await store.expand(id);
      finishNext(store);
      make();
    }
    store.activate(id, 1);
    const versions = () => store.audienceVersions(id, { limit: 99 }).items.map(({ version }) => version);
    store.prune({ versions: 3, days: 1 });
    expect([versions(), folders()]).toEqual([[5, 4, 3, 1], 4]);
    store.activate(id, 5);
    store.prune({ versions: 2, days: 1 });
    expect([versions(), folders()]).toEqual([[5, 4, 3], 3]);
    expect(store.expansionsOf(id, { limit: 99 }).items.map(({ audienceVersion }) => audienceVersion)).toEqual([
      5, 4, 3,
    ]);
    data.clock.pass(DAY_MS + 1);
    store.prune({ versions: 3, days: 1 });
    expect([versions(), folders()]).toEqual([[5], 1]);
    store.update(id, { audience: { size: 11 } });
    expect(versions()).toEqual([6, 5]);
  });

  it('removes all of a campaign, whose owner then holds nothing', async () => {
    const data = dataFolder();
    const store = data.open();
    const id = ready(store);
    const { folder } = store.activeAudience(id);
    mkdirSync(folder, { recursive: true });
    await store.addFeedback(id, [{ userId: 'dan', event: 'click', happenedAt: 1 }]);
    await store.expand(id);
    const job = store.claim('1:a')!;
    store.delete(id);
    expect([store.find(id), store.isHeld(job), existsSync(join(data.folder, 'audiences', id))]).toEqual([
      null,
      false,
      false,
    ]);
    for (const call of [() => store.delete(id), () => store.activeAudience(id), () => store.feedbackOf(id)])
      expect(call).toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
    await expect(store.expand(id)).rejects.toMatchObject({ code: 'campaign_not_found' });
    expect(store.countsByState()).toMatchObject({ ready: 0, queued: 0 });
  });

  it('leaves alone the ranking that another expansion is writing', () => {
    const data = dataFolder();
    const store = data.open();
    const running = store.create(newCampaign(), everyoneIsKnown);
    const fresh = join(data.folder, 'audiences', running.id, `${running.expansionId}.new-1`);
    mkdirSync(fresh, { recursive: true });
    store.delete(store.create(newCampaign({ seeds: undefined }), everyoneIsKnown).id);
    expect(existsSync(fresh)).toBe(true);
    store.cancel(running.id, running.expansionId!);
    store.removeUnusedFiles();
    expect(existsSync(fresh)).toBe(false);
  });
});
