/** Events are written with the change that causes them, or not at all. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { CAMPAIGN_EVENTS } from '../../../src/domain/webhook-types.ts';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { migratedDataFolder } from './data-folder.ts';

const ENGINE = '1:engine';
const webhook = { url: 'https://example.com/', events: CAMPAIGN_EVENTS, description: '' };

async function openStore() {
  const { folder, clock, open } = migratedDataFolder();
  const store = await open();
  const { webhook: created } = await store.webhooks.create(webhook, 10, clock.now());
  return { folder, clock, store, id: created.id };
}
const due = async (store: CampaignStore, now: number) => store.outbox.due(now, 100);

describe('events', () => {
  it('are not written if the change is not, and vice versa', async () => {
    const { store, clock, folder } = await openStore();
    await store.create(newCampaign(), everyoneIsKnown);
    const job = (await store.claim(ENGINE))!;
    const database = connect(join(folder, 'metaheac.db'));
    database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON webhook_deliveries BEGIN SELECT RAISE(ABORT, 'no'); END`);
    await expect(store.end(job, 'failed', { code: 'x', message: 'y' })).rejects.toThrow('no');
    expect((await store.get(job.campaignId)).state).toBe('queued');
    database.exec('DROP TRIGGER refuse');
    database.close();
    expect(await due(store, clock.now())).toEqual([]);
    expect(await store.end(job, 'failed', { code: 'x', message: 'y' })).toBe(true);
    expect(await store.end(job, 'failed', { code: 'x', message: 'y' })).toBe(false);
    expect(await due(store, clock.now())).toHaveLength(1);
  });
});
