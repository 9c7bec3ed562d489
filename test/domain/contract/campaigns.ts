/** Creating, reading and listing campaigns. */
import { describe, expect, it } from 'vitest';
import type { CampaignQuery, CampaignSort } from '../../../src/domain/campaign-query.ts';
import { SEED_FOLDER } from '../../../src/storage/files/set-file.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

export function describeCampaigns(newData: NewData): void {
  describe('CampaignStore.create', () => {
    it('queues a campaign and returns all of it', async () => {
      const data = newData();
      const store = await data.open();
      const campaign = await store.create(
        newCampaign({ seeds: ['ann', 'x', 'bob', 'ann'], featureCounts: { unknown: 1, missing: 2 } }),
        (userId) => userId !== 'x',
      );
      expect(campaign).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        expansionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        labels: {},
        needsExpansion: false,
        excluded: null,
        filters: {},
        refresh: { everyMs: null, onNewPopulation: false, onChange: false },
        externalId: null,
        name: 'spring shoes',
        features: { category: 'shoes', tags: ['sport', 'new'] },
        audience: { size: 10 },
        holdoutPercent: 0,
        cuts: [],
        negativeWeight: 1,
        category: null,
        fourFifths: null,
        createdAt: data.clock.now(),
        updatedAt: data.clock.now(),
        state: 'queued',
        progress: 0,
        reason: null,
        seeds: { received: 4, known: 2, unknown: 1, duplicate: 1, unknownExamples: ['x'] },
        featureCounts: { unknown: 1, missing: 2 },
        modelVersion: null,
        populationVersion: null,
        timings: {},
        quality: null,
        audienceVersion: null,
        audienceSize: null,
        candidates: null,
        remainingMs: null,
      });
      expect(await store.get(campaign.id)).toEqual(campaign);
      expect(await (await data.open()).get(campaign.id)).toEqual(campaign);
    });

    it('is too_small at once, with the counts and without a job, with too few known seeds', async () => {
      const store = await newData({ minimumSeeds: 3 }).open();
      const campaign = await store.create(
        newCampaign({ seeds: ['ann', 'bob', 'x', 'ann'] }),
        (userId) => userId !== 'x',
      );
      expect(campaign).toMatchObject({
        state: 'too_small',
        reason: { code: 'too_few_seeds', known: 2, minimum: 3, message: expect.stringContaining('at least 3') },
        seeds: { received: 4, known: 2, unknown: 1, duplicate: 1 },
      });
      expect(await store.claim('1:a')).toBeNull();
    });

    it('stores unknown seeds too, of any text', async () => {
      const store = await newData().open();
      const seeds = ['ann', 'two\nlines', '"quoted"', 'bob'];
      await store.create(newCampaign({ seeds }), (userId) => userId.length === 3);
      expect([...(await store.setBlocks((await store.claim('1:a'))!.sets.seeds))].flat()).toEqual(seeds.sort());
    });
  });

  describe('CampaignStore.get', () => {
    it('throws campaign_not_found if find returns null', async () => {
      const store = await newData().open();
      expect(await store.find('nobody')).toBeNull();
      await expect(store.get('nobody')).rejects.toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
    });
  });

  describe('an external id', () => {
    it('is shown, can be searched for, and reaches the engine', async () => {
      const data = newData();
      const store = await data.open();
      const { id } = await store.create(newCampaign({ externalId: 'c1' }), everyoneIsKnown);
      await store.create(newCampaign(), everyoneIsKnown);
      await store.create(newCampaign(), everyoneIsKnown);
      expect((await store.get(id)).externalId).toBe('c1');
      expect((await store.list({ limit: 9, externalId: 'c1' })).items.map((campaign) => campaign.id)).toEqual([id]);
      expect((await store.list({ limit: 9, externalId: 'c2' })).items).toEqual([]);
      expect([(await store.claim('1:a'))!.externalId, (await store.claim('1:a'))!.externalId]).toEqual(['c1', null]);
    });

    it('is refused if a campaign has it, too_small or not, and nothing is left of the attempt', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign({ externalId: 'c1', seeds: [] }), everyoneIsKnown);
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
      expect(await store.blobs.list(SEED_FOLDER)).toHaveLength(1);
    });
  });

  describe('CampaignStore.list', () => {
    it('pages through all campaigns, newest first, while others are created', async () => {
      const store = await newData().open();
      const made: string[] = [];
      for (const i of [1, 2, 3, 4, 5])
        made.push((await store.create(newCampaign({ name: `c${i}` }), everyoneIsKnown)).name);
      const seen: string[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await store.list({ limit: 2, ...(cursor && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map((campaign) => campaign.name));
        cursor = page.nextCursor;
        await store.create(newCampaign({ name: 'later' }), everyoneIsKnown);
      } while (cursor !== null);
      expect(seen).toEqual(made.reverse());
    });

    it('returns no cursor when the last page is full', async () => {
      const { store } = await created(newData());
      await store.create(newCampaign(), everyoneIsKnown);
      expect((await store.list({ limit: 2 })).nextCursor).toBeNull();
      expect((await store.list({ limit: 1 })).nextCursor).not.toBeNull();
    });

    it('filters by the state of the latest expansion, over pages', async () => {
      const store = await newData().open();
      const ids: string[] = [];
      for (const _ of [1, 2, 3, 4]) ids.push((await store.create(newCampaign(), everyoneIsKnown)).id);
      for (const _ of [1, 2]) await expand(store, (await store.claim('1:a'))!);
      const first = await store.list({ limit: 1, state: 'ready' });
      const second = await store.list({ limit: 1, state: 'ready', cursor: first.nextCursor! });
      expect([...first.items, ...second.items].map((campaign) => campaign.id)).toEqual([ids[1], ids[0]]);
      expect(second.nextCursor).toBeNull();
      expect((await store.list({ limit: 9, state: 'queued' })).items.map((campaign) => campaign.id)).toEqual([
        ids[3],
        ids[2],
      ]);
      expect((await store.list({ limit: 9, state: 'failed' })).items).toEqual([]);
    });

    it('sorts by name, time of creation or update, and state, over pages', async () => {
      const data = newData();
      const store = await data.open();
      for (const [i, name] of ['b', 'C', 'a', 'a'].entries()) {
        data.clock.pass(1_000);
        await store.create(
          newCampaign({ name, externalId: `${i}`, ...(i === 2 && { seeds: undefined }) }),
          everyoneIsKnown,
        );
      }
      data.clock.pass(1_000);
      const [first] = (await store.list({ limit: 9, externalId: '0' })).items;
      await store.update(first!.id, { labels: { team: 'x' } });
      data.clock.pass(1_000);
      const job = (await store.claim('1:a'))!;
      await store.advance(job, { state: 'adapting' });
      const expanding = (await store.get(job.campaignId)).externalId;
      const orderOf = async (sort: CampaignSort) => {
        const seen: (string | null)[] = [];
        let cursor: string | null | undefined;
        do {
          const page = await store.list({ limit: 1, sort, ...(cursor && { cursor }) });
          seen.push(...page.items.map(({ externalId }) => externalId));
          cursor = page.nextCursor;
        } while (cursor !== null);
        return seen;
      };
      expect(expanding).toBe('0');
      expect(await orderOf('name')).toEqual(['2', '3', '0', '1']);
      expect(await orderOf('-name')).toEqual(['1', '0', '3', '2']);
      expect(await orderOf('created_at')).toEqual(['0', '1', '2', '3']);
      expect(await orderOf('-created_at')).toEqual(['3', '2', '1', '0']);
      expect(await orderOf('-updated_at')).toEqual(['0', '3', '2', '1']);
      expect(await orderOf('state')).toEqual(['0', '1', '3', '2']);
      const { nextCursor } = await store.list({ limit: 1, sort: 'name' });
      await expect(store.list({ limit: 1, sort: '-name', cursor: nextCursor! })).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_cursor' }),
      );
    });

    it('filters by the times of creation and update', async () => {
      const data = newData();
      const store = await data.open();
      const begin = data.clock.now();
      for (const name of ['a', 'b', 'c']) {
        await store.create(newCampaign({ name }), everyoneIsKnown);
        data.clock.pass(1_000);
      }
      const namesOf = async (query: Partial<CampaignQuery>) =>
        (await store.list({ limit: 9, ...query })).items.map(({ name }) => name);
      expect(await namesOf({ createdFrom: begin + 1_000 })).toEqual(['c', 'b']);
      expect(await namesOf({ createdTo: begin + 1_000 })).toEqual(['a']);
      const [last] = (await store.list({ limit: 1, sort: 'created_at' })).items;
      await store.update(last!.id, { name: 'd' });
      expect(await namesOf({ updatedFrom: begin + 2_000, sort: '-updated_at' })).toEqual(['d', 'c']);
      expect(await namesOf({ updatedTo: begin + 2_000 })).toEqual(['b']);
    });

    it('refuses a cursor that it never returned', async () => {
      const store = await newData().open();
      await expect(store.list({ limit: 1, cursor: 'nonsense' })).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_cursor' }),
      );
    });
  });

  describe('CampaignStore.countsByState', () => {
    it('has an entry for every state', async () => {
      const { store } = await created(newData());
      await store.create(newCampaign({ seeds: [] }), everyoneIsKnown);
      await store.create(newCampaign(), everyoneIsKnown);
      await expand(store, (await store.claim('1:a'))!);
      expect(await store.countsByState()).toEqual({
        queued: 1,
        adapting: 0,
        scoring: 0,
        ready: 1,
        too_small: 1,
        failed: 0,
        cancelled: 0,
        superseded: 0,
      });
    });
  });
}
