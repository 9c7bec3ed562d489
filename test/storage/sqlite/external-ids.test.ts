/**
 * The caller's ids of campaigns: unique, searchable, passed to the engine, kept across restarts, null in older
 * databases.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MIGRATIONS_FOLDER, openDatabase, readMigrations } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { dataFolder } from './data-folder.ts';

describe('an external id', () => {
  it('is shown, can be searched for, and reaches the engine, also after the store was opened again', async () => {
    const data = dataFolder();
    const { id } = await (await data.open()).create(newCampaign({ externalId: 'c1' }), everyoneIsKnown);
    const store = await data.open();
    await store.create(newCampaign(), everyoneIsKnown);
    await store.create(newCampaign(), everyoneIsKnown);
    expect((await store.get(id)).externalId).toBe('c1');
    expect((await store.list({ limit: 9, externalId: 'c1' })).items.map((campaign) => campaign.id)).toEqual([id]);
    expect((await store.list({ limit: 9, externalId: 'c2' })).items).toEqual([]);
    expect([(await store.claim('1:a'))!.externalId, (await store.claim('1:a'))!.externalId]).toEqual(['c1', null]);
  });

  it('is refused if a campaign has it, too_small or not, and nothing is left of the attempt', async () => {
    const data = dataFolder();
    const { id } = await (await data.open()).create(newCampaign({ externalId: 'c1', seeds: [] }), everyoneIsKnown);
    const store = await data.open();
    await expect(store.create(newCampaign({ externalId: 'c1' }), everyoneIsKnown)).rejects.toThrow(
      expect.objectContaining({
        code: 'external_id_taken',
        message: `campaign ${id} already has this external id`,
        facts: { campaign_id: id },
        details: [expect.objectContaining({ pointer: '/external_id', value: 'c1' })],
      }),
    );
    expect((await store.list({ limit: 9 })).items).toHaveLength(1);
    expect(await store.claim('1:a')).toBeNull();
    expect(readdirSync(join(data.folder, 'seeds'))).toHaveLength(1);
  });

  it('is null for campaigns from before external ids', async () => {
    const data = dataFolder();
    const before = openDatabase(join(data.folder, 'metaheac.db'), readMigrations(MIGRATIONS_FOLDER).slice(0, 1));
    before.exec(`
      INSERT INTO seed_sets VALUES ('${'0'.repeat(64)}', 2, 8, 1);
      INSERT INTO campaigns VALUES (1, 'old', 'old', '{}', 0, 0, '{"size":1}', 1);
      INSERT INTO expansions (number, id, campaign, latest, state, seed_set, seeds_received, seeds_known, seeds_unknown,
        seeds_duplicate, unknown_examples, created_at, updated_at)
        VALUES (1, 'e', 1, 1, 'queued', '${'0'.repeat(64)}', 2, 2, 0, 0, '[]', 1, 1);
      INSERT INTO jobs (id, expansion, queued_at, run_after) VALUES ('j', 1, 1, 1);
    `);
    before.close();
    const store = await data.open();
    expect(await store.get('old')).toMatchObject({ name: 'old', externalId: null });
    expect(await store.claim('1:a')).toMatchObject({ campaignId: 'old', externalId: null });
    await store.create(newCampaign({ externalId: 'new' }), everyoneIsKnown);
    expect((await store.list({ limit: 9 })).items.map(({ externalId }) => externalId)).toEqual(['new', null]);
  });
});
