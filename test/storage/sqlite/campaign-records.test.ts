/** Training data for models, read while the store is being written. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRecords } from '../../../src/storage/sqlite/campaign-records.ts';
import { openDatabase } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { dataFolder } from './data-folder.ts';

const seedsOf = (records: ReturnType<typeof openRecords>, id: string) => [...records.seedsOf(id)].flat();

describe('openRecords', () => {
  it('has campaigns with an audience, oldest first, and counts the others', () => {
    const data = dataFolder();
    const store = data.open();
    const made = ['a', 'b', 'c', 'd'].map((name) => {
      data.clock.pass(1000);
      return store.create(newCampaign({ name, ...(name === 'b' ? { externalId: 'mine' } : {}) }), everyoneIsKnown);
    });
    store.create(newCampaign({ seeds: undefined }), everyoneIsKnown);
    expand(store, store.claim('1:a')!, { folder: 'x/a' });
    expand(store, store.claim('1:a')!, { folder: 'x/b' });
    store.end(store.claim('1:a')!, 'failed', { code: 'no_candidates', message: 'nobody' });
    const records = openRecords(data.folder);
    const [first, second] = made;
    const none = { filters: {}, suppression: null, commonSuppression: null };
    const facts = { features: first!.features, externalId: null, ...none };
    expect(records.ready()).toEqual([
      { ...facts, id: first!.id, name: 'a', createdAt: first!.createdAt },
      { ...facts, id: second!.id, name: 'b', externalId: 'mine', createdAt: second!.createdAt },
    ]);
    expect(records.countOthers()).toBe(3);
    records.close();
  });

  it('sees commits while it is open, and reads seeds to their end if they are replaced', async () => {
    const data = dataFolder();
    const store = data.open();
    const { id } = store.create(newCampaign({ seeds: ['cid', 'ann', '😀'] }), everyoneIsKnown);
    const records = openRecords(data.folder);
    expect(records.ready()).toEqual([]);
    expand(store, store.claim('1:a')!);
    expect(records.ready()).toHaveLength(1);
    const reading = records.seedsOf(id)[Symbol.iterator]();
    const first = reading.next();
    rmSync(join(data.folder, 'seeds'), { recursive: true });
    expect([first, reading.next()].flatMap(({ value }) => value ?? [])).toEqual(['ann', 'cid', '😀']);
    expect(() => seedsOf(records, id)).toThrow(expect.objectContaining({ code: 'storage_failed' }));
    expect(seedsOf(records, 'nobody')).toEqual([]);
    records.close();
  });

  it('has the last event of each user', async () => {
    const data = dataFolder();
    const store = data.open();
    const { id } = store.create(newCampaign(), everyoneIsKnown);
    await store.addFeedback(id, [
      { userId: 'dan', event: 'click', happenedAt: 1 },
      { userId: 'dan', event: 'conversion', happenedAt: 2 },
      { userId: 'eve', event: 'dismissal', happenedAt: 1 },
    ]);
    const records = openRecords(data.folder);
    expect([...records.feedbackOf(id)].flat()).toEqual([
      { userId: 'dan', event: 'conversion' },
      { userId: 'eve', event: 'dismissal' },
    ]);
    expect([...records.feedbackOf('nobody')]).toEqual([]);
    records.close();
  });

  it('reads the data of a service that has ended, and writes nothing', () => {
    const data = dataFolder();
    const store = data.open();
    store.create(newCampaign(), everyoneIsKnown);
    expand(store, store.claim('1:a')!);
    store.close();
    const file = join(data.folder, 'metaheac.db');
    const before = readFileSync(file);
    const records = openRecords(data.folder);
    expect(records.ready()).toHaveLength(1);
    records.close();
    expect(readFileSync(file)).toEqual(before);
  });

  it('refuses a folder without a store or of another version, without creating anything', () => {
    const empty = temporaryFolder();
    const refusal = (message: RegExp) =>
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(message) as string });
    expect(() => openRecords(empty)).toThrow(refusal(/not the data folder of a service/));
    expect(readdirSync(empty)).toEqual([]);
    writeFileSync(join(empty, 'metaheac.db'), 'text');
    expect(() => openRecords(empty)).toThrow(refusal(/not an intact SQLite database/));
    const data = dataFolder();
    data.open();
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
