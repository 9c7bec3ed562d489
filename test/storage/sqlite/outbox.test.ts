/** Rows of events and deliveries: written with the change or not at all, and removed in bounded numbers. */
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

describe('due', () => {
  it('returns to another process what a process that has ended did not send', async () => {
    const { clock, open } = migratedDataFolder();
    const store = await open();
    const { webhook: created } = await store.webhooks.create(webhook, 10, clock.now());
    await store.outbox.ping(created.id, clock.now());
    const found = await due(store, clock.now());
    expect(found).toHaveLength(1);
    await store.close();
    expect(await due(await open(), clock.now())).toEqual(found);
  });
});

describe('prune', () => {
  it('removes deliveries that ended before a time, in bounded numbers, and events without deliveries', async () => {
    const { store, clock, folder, id } = await openStore();
    const database = connect(join(folder, 'metaheac.db'));
    database.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)
      INSERT INTO webhook_events (number, id, type, body, created_at) SELECT i, 'e' || i, 'webhook.ping', '{}', ${clock.now()} FROM n`);
    database.exec(`INSERT INTO webhook_deliveries (id, webhook, event, state, created_at)
      SELECT 'd' || number, 1, number, 'delivered', created_at FROM webhook_events`);
    clock.pass(1000);
    const kept = await store.outbox.ping(id, clock.now());
    expect(await store.outbox.prune(clock.now() - 1000)).toBe(false);
    expect((await store.outbox.deliveries(id, { limit: 2000 })).items).toHaveLength(1002);
    expect(await store.outbox.prune(clock.now())).toBe(true);
    expect(await store.outbox.prune(clock.now())).toBe(false);
    expect(await store.outbox.prune(clock.now() + 1)).toBe(false);
    expect((await store.outbox.deliveries(id, { limit: 10 })).items).toEqual([kept]);
    expect(database.prepare('SELECT count(*) FROM webhook_events').pluck().get()).toBe(1);
    database.close();
  });
});
