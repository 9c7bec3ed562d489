/** Training data for models, read while the store is being written. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CampaignRecords, FeedbackBlocks } from '../../../src/domain/ports/records.ts';
import type { Campaign } from '../../../src/domain/types.ts';
import { openRecords } from '../../../src/storage/sqlite/adapter.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { migratedDataFolder } from './data-folder.ts';

const seedsOf = async (records: CampaignRecords, id: string) => [...(await records.usersOf('seeds', id))].flat();

async function rowsOf(blocks: FeedbackBlocks) {
  const all = [];
  for await (const rows of blocks) all.push(...rows);
  return all;
}

describe('openRecords', () => {
  it('has campaigns with an audience, oldest first, and counts the others', async () => {
    const data = migratedDataFolder();
    const store = await data.open();
    const made: Campaign[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      data.clock.pass(1000);
      const input = newCampaign({ name, ...(name === 'b' ? { externalId: 'mine' } : {}) });
      made.push(await store.create(input, everyoneIsKnown));
    }
    await store.create(newCampaign({ seeds: undefined }), everyoneIsKnown);
    await expand(store, (await store.claim('1:a'))!, { folder: 'x/a' });
    await expand(store, (await store.claim('1:a'))!, { folder: 'x/b' });
    await store.end((await store.claim('1:a'))!, 'failed', { code: 'no_candidates', message: 'nobody' });
    const records = openRecords(data.folder);
    const [first, second] = made;
    const none = { filters: {}, suppression: null, commonSuppression: null };
    const facts = { features: first!.features, externalId: null, ...none };
    expect(await records.ready()).toEqual([
      { ...facts, id: first!.id, name: 'a', createdAt: first!.createdAt },
      { ...facts, id: second!.id, name: 'b', externalId: 'mine', createdAt: second!.createdAt },
    ]);
    expect(await records.countOthers()).toBe(3);
    await records.close();
  });

  it('sees commits while it is open, and reads seeds to their end if they are replaced', async () => {
    const data = migratedDataFolder();
    const store = await data.open();
    const { id } = await store.create(newCampaign({ seeds: ['cid', 'ann', '😀'] }), everyoneIsKnown);
    const records = openRecords(data.folder);
    expect(await records.ready()).toEqual([]);
    await expand(store, (await store.claim('1:a'))!);
    expect(await records.ready()).toHaveLength(1);
    const reading = (await records.usersOf('seeds', id))[Symbol.iterator]();
    const first = reading.next();
    rmSync(join(data.folder, 'seeds'), { recursive: true });
    expect([first, reading.next()].flatMap(({ value }) => value ?? [])).toEqual(['ann', 'cid', '😀']);
    await expect(seedsOf(records, id)).rejects.toThrow(expect.objectContaining({ code: 'storage_failed' }));
    expect(await seedsOf(records, 'nobody')).toEqual([]);
    await records.close();
  });

  it('has the last event of each user', async () => {
    const data = migratedDataFolder();
    const store = await data.open();
    const { id } = await store.create(newCampaign(), everyoneIsKnown);
    await store.addFeedback(id, [
      { userId: 'dan', event: 'click', happenedAt: 1 },
      { userId: 'dan', event: 'conversion', happenedAt: 2 },
      { userId: 'eve', event: 'dismissal', happenedAt: 1 },
    ]);
    const records = openRecords(data.folder);
    expect(await rowsOf(await records.feedbackOf(id))).toEqual([
      { userId: 'dan', event: 'conversion' },
      { userId: 'eve', event: 'dismissal' },
    ]);
    expect(await rowsOf(await records.feedbackOf('nobody'))).toEqual([]);
    await records.close();
  });

  it('reads the data of a service that has ended, and writes nothing', async () => {
    const data = migratedDataFolder();
    const store = await data.open();
    await store.create(newCampaign(), everyoneIsKnown);
    await expand(store, (await store.claim('1:a'))!);
    await store.close();
    const file = join(data.folder, 'metaheac.db');
    const before = readFileSync(file);
    const records = openRecords(data.folder);
    expect(await records.ready()).toHaveLength(1);
    await records.close();
    expect(readFileSync(file)).toEqual(before);
  });

  it('refuses a folder without a store or of another version, without creating anything', async () => {
    const empty = temporaryFolder();
    const refusal = (message: RegExp) =>
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(message) as string });
    expect(() => openRecords(empty)).toThrow(refusal(/not the data folder of a service/));
    expect(readdirSync(empty)).toEqual([]);
    writeFileSync(join(empty, 'metaheac.db'), 'text');
    expect(() => openRecords(empty)).toThrow(refusal(/not an intact SQLite database/));
    const data = migratedDataFolder();
    await data.open();
    const database = openDatabase(join(data.folder, 'metaheac.db'));
    const version = database.pragma('user_version', { simple: true }) as number;
    database.pragma(`user_version = ${version - 1}`);
    expect(() => openRecords(data.folder)).toThrow(refusal(/older version .* start a service/));
    database.pragma(`user_version = ${version + 1}`);
    expect(() => openRecords(data.folder)).toThrow(refusal(/newer version/));
    database.pragma(`user_version = ${version}`);
    database.close();
  });
});
