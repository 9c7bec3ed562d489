/** Look-ups from memory in two stores of one database: how soon they see changes, and what they do without it. */
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { sharedStore } from './shared-store.ts';

/** What is owed; the rest is for busy machines, whose event loop stands still. */
const OWED_MS = 1_000;
const BUSY_MS = 1_000;

const sizeOf = async (store: CampaignStore, id: string) => (await store.activeAudience(id)).size;

/** A campaign with an audience of 10 users, and two stores that have it in memory. */
async function twoStores() {
  const data = sharedStore();
  const [one, two] = [await data.open(), await data.open()];
  const { id } = await one.create(newCampaign({ labels: { team: 'a' } }), everyoneIsKnown);
  await expand(one, (await one.claim('1:a'))!);
  await data.caughtUp();
  for (const store of [one, two]) {
    expect([await sizeOf(store, id), await store.findLabels(id)]).toEqual([10, { team: 'a' }]);
    expect(await store.activeAudiences()).toHaveLength(1);
  }
  return { data, one, two, id };
}

/** Waits until a store shows what another has committed; returns the time that it took. */
async function timeUntil(isSeen: () => Promise<boolean>): Promise<number> {
  const begun = performance.now();
  while (!(await isSeen())) await setTimeout(5);
  return performance.now() - begun;
}

/** Ends the connections that listen, again and again, until `stop` is called. */
async function cutListeners(url: string): Promise<{ readonly cuts: () => number; stop(): Promise<void> }> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  let cuts = 0;
  let isEnded = false;
  const cutting = (async () => {
    while (!isEnded) {
      const { rowCount } = await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'metaheac listener'`,
      );
      cuts += rowCount ?? 0;
      await setTimeout(20);
    }
  })();
  const stop = async () => {
    isEnded = true;
    await cutting;
    await client.end();
  };
  return { cuts: () => cuts, stop };
}

describeWithPostgres('look-ups', () => {
  it('see own commits at once, and those of others within a second', async () => {
    const { one, two, id } = await twoStores();
    await one.update(id, { audience: { size: 5 }, labels: { team: 'b' } });
    expect([await sizeOf(one, id), await one.findLabels(id)]).toEqual([5, { team: 'b' }]);
    expect((await one.activeAudiences())[0]).toMatchObject({ size: 5 });
    const isSeen = async () =>
      (await sizeOf(two, id)) === 5 &&
      (await two.findLabels(id))?.['team'] === 'b' &&
      (await two.activeAudiences())[0]?.size === 5;
    expect(await timeUntil(isSeen)).toBeLessThan(OWED_MS + BUSY_MS);
    await one.delete(id);
    expect(await timeUntil(async () => (await two.findLabels(id)) === null)).toBeLessThan(OWED_MS + BUSY_MS);
    await expect(two.activeAudience(id)).rejects.toMatchObject({ code: 'campaign_not_found' });
  });

  it('see commits within a second while no connection can listen', async () => {
    const { data, one, two, id } = await twoStores();
    const cutting = await cutListeners(await data.url);
    try {
      // the last pulse that came back is no proof any more
      await setTimeout(OWED_MS);
      for (const size of [5, 6, 7]) {
        await one.update(id, { audience: { size } });
        expect(await sizeOf(one, id)).toBe(size);
        expect(await timeUntil(async () => (await sizeOf(two, id)) === size)).toBeLessThan(OWED_MS + BUSY_MS);
      }
      expect(cutting.cuts()).toBeGreaterThan(2);
    } finally {
      await cutting.stop();
    }
  });

  it('return the same objects until something changes', async () => {
    const { one, two, data, id } = await twoStores();
    const [audience, all] = [await two.activeAudience(id), await two.activeAudiences()];
    await one.update(id, { name: 'another' });
    await data.caughtUp();
    expect([await two.activeAudience(id), await two.activeAudiences()]).toEqual([audience, all]);
    expect((await two.activeAudience(id)) === audience && (await two.activeAudiences()) === all).toBe(true);
  });
});
