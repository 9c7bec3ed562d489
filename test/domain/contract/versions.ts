/** Inputs that change, expansions one after the other, audience versions, their changes, deletion and pruning. */
import { describe, expect, it } from 'vitest';
import { encodeCursor } from '../../../src/domain/cursors.ts';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { ExpansionResult } from '../../../src/domain/types.ts';
import { everyoneIsKnown, expand, newCampaign, PINS } from './inputs.ts';
import type { NewData } from './new-data.ts';
import { change } from './user-sets.ts';

const DAY_MS = 24 * 3600 * 1000;

async function finishNext(store: CampaignStore, result: Partial<ExpansionResult> = {}): Promise<void> {
  const job = (await store.claim('1:a'))!;
  expect(await expand(store, job, { folder: `audiences/${job.campaignId}/${job.expansionId}`, ...result })).toBe(true);
}

/** A campaign with a finished expansion. */
async function ready(store: CampaignStore): Promise<string> {
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  await finishNext(store);
  return id;
}

export function describeVersions(newData: NewData): void {
  describe('CampaignStore.create', async () => {
    it('makes a campaign without seeds, which waits for some', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign({ seeds: undefined }), everyoneIsKnown);
      expect(await store.get(id)).toMatchObject({ state: null, expansionId: null, progress: 0, timings: {} });
      expect((await store.get(id)).seeds).toMatchObject({ received: 0, known: 0 });
      expect((await store.list({ limit: 5 })).items.map((campaign) => campaign.id)).toEqual([id]);
      await expect(store.expand(id)).rejects.toMatchObject({ code: 'no_seeds' });
      await expect(store.activeAudience(id)).rejects.toThrow(
        expect.objectContaining({ code: 'audience_not_ready', facts: expect.objectContaining({ state: null }) }),
      );
      expect(await store.claim('1:a')).toBe(null);
    });

    it('returns the same response for a key for a day, and refuses the key with another body', async () => {
      const data = newData();
      const store = await data.open();
      const once = (requestSha256: string) => ({ key: 'k1', requestSha256 });
      expect(await store.answerOf(once('a'))).toBe(null);
      const { id } = await store.create(newCampaign(), everyoneIsKnown, {
        ...once('a'),
        answer: (c) => `made ${c.id}`,
      });
      expect(await store.answerOf(once('a'))).toBe(`made ${id}`);
      await expect(store.answerOf(once('b'))).rejects.toThrow(
        expect.objectContaining({ code: 'idempotency_key_reused', facts: { campaign_id: id } }),
      );
      expect(await store.answerOf({ key: 'k2', requestSha256: 'b' })).toBe(null);
      data.clock.pass(DAY_MS);
      expect(await store.answerOf(once('b'))).toBe(null);
    });
  });

  describe('CampaignStore.expand', () => {
    it('queues another expansion, whose version replaces the one that is served until then', async () => {
      const store = await newData().open();
      const id = await ready(store);
      const second = await store.expand(id);
      expect(second).toMatchObject({ campaignId: id, cause: 'requested', state: 'queued', audienceVersion: null });
      expect(await store.get(id)).toMatchObject({ expansionId: second.id, state: 'queued', audienceVersion: 1 });
      await finishNext(store, { candidates: 50 });
      expect(await store.get(id)).toMatchObject({ state: 'ready', audienceVersion: 2, candidates: 50 });
      expect(await store.expansion(id, second.id)).toMatchObject({
        state: 'ready',
        audienceVersion: 2,
        excluded: { seeds: 3, suppressed: 0, filtered: 0 },
        modelVersion: PINS.modelVersion,
      });
      expect(
        (await store.audienceVersions(id, { limit: 9 })).items.map(({ version, isActive }) => [version, isActive]),
      ).toEqual([
        [2, true],
        [1, false],
      ]);
    });

    it('keeps serving if it fails, and reports the failure', async () => {
      const store = await newData().open();
      const id = await ready(store);
      await store.expand(id);
      await store.end((await store.claim('1:a'))!, 'failed', { code: 'storage_failed', message: 'the disk is full' });
      expect(await store.get(id)).toMatchObject({
        state: 'failed',
        reason: { code: 'storage_failed' },
        audienceVersion: 1,
      });
      expect((await store.activeAudience(id)).version).toBe(1);
    });

    it('supersedes one that has not ended, whose owner then loses its claim', async () => {
      const store = await newData().open();
      const { id, expansionId } = await store.create(newCampaign(), everyoneIsKnown);
      const job = (await store.claim('1:a'))!;
      const second = await store.expand(id);
      expect(await store.isHeld(job)).toBe(false);
      expect(await store.finish(job, { ...({} as ExpansionResult), candidates: 1, folder: 'f' })).toBe(false);
      expect((await store.expansion(id, expansionId!)).state).toBe('superseded');
      expect(await store.claim('1:a')).toMatchObject({ expansionId: second.id });
      expect(await store.expansionsOf(id, { limit: 1 })).toMatchObject({ items: [{ id: second.id }] });
      const { nextCursor } = await store.expansionsOf(id, { limit: 1 });
      expect(await store.expansionsOf(id, { limit: 5, cursor: nextCursor! })).toMatchObject({
        items: [{ id: expansionId }],
        nextCursor: null,
      });
    });

    it('takes the inputs as they are when it is created', async () => {
      const store = await newData().open();
      const id = await ready(store);
      const filters = { country: ['DE'] };
      const features = { values: { category: 'hats' }, counts: { unknown: 0, missing: 0 } };
      await store.update(id, { filters, features, name: 'hats', labels: { team: 'a' } });
      await store.addFeedback(id, [
        { userId: 'dan', event: 'conversion', happenedAt: 5 },
        { userId: 'eve', event: 'click', happenedAt: 5 },
        { userId: 'eve', event: 'dismissal', happenedAt: 6 },
        { userId: 'dan', event: 'dismissal', happenedAt: 4 },
      ]);
      expect(await store.feedbackOf(id)).toEqual({ conversion: 1, click: 0, dismissal: 1 });
      await store.update(id, { negativeWeight: 3 });
      const negatives = { kind: 'negatives', campaignId: id } as const;
      await change(store.userSets, negatives, 'replace', ['fay', 'gus']);
      const { id: expansionId } = await store.expand(id);
      await store.update(id, { filters: {}, negativeWeight: 1 });
      await store.userSets.clear(negatives);
      expect(await store.expansion(id, expansionId)).toMatchObject({
        filters,
        features: features.values,
        feedback: { positives: 1, dismissed: 1 },
        negatives: 2,
        negativeWeight: 3,
      });
      const job = (await store.claim('1:a'))!;
      expect(job).toMatchObject({ filters, features: features.values, negativeWeight: 3 });
      const usersOf = async (sha256: string | null) => [...(await store.setBlocks(sha256!))].flat();
      expect([
        await usersOf(job.sets.seeds),
        await usersOf(job.sets.positives),
        await usersOf(job.sets.dismissed),
        await usersOf(job.sets.negatives),
      ]).toEqual([['ann', 'bob', 'cid'], ['dan'], ['eve'], ['fay', 'gus']]);
      expect(await store.get(id)).toMatchObject({ name: 'hats', labels: { team: 'a' }, filters: {} });
    });
  });

  describe('CampaignStore.expandDue', () => {
    it('expands after the interval, and with a new population version, never while one is running', async () => {
      const data = newData();
      const store = await data.open();
      const refresh = { everyMs: 1000, onNewPopulation: false, onChange: false };
      const timed = (await store.create(newCampaign({ refresh }), everyoneIsKnown)).id;
      const other = (
        await store.create(
          newCampaign({ refresh: { everyMs: null, onNewPopulation: true, onChange: false } }),
          everyoneIsKnown,
        )
      ).id;
      await store.create(newCampaign(), everyoneIsKnown);
      data.clock.pass(5000);
      expect(await store.expandDue(PINS.populationVersion)).toBe(0);
      for (let i = 0; i < 3; i++) await finishNext(store);
      expect(await store.expandDue(PINS.populationVersion)).toBe(1);
      expect((await store.get(timed)).state).toBe('queued');
      expect((await store.expansionsOf(timed, { limit: 1 })).items[0]!.cause).toBe('interval');
      await finishNext(store);
      expect(await store.expandDue(PINS.populationVersion)).toBe(0);
      expect(await store.expandDue('population-2')).toBe(1);
      expect((await store.expansionsOf(other, { limit: 1 })).items[0]!.cause).toBe('population');
    });
  });

  describe('a change of inputs', () => {
    const suppress = async (store: CampaignStore, users: readonly string[]) => {
      const collected = store.userSets.collect();
      for (const user of users) collected.add(user);
      const population = { version: 'population-1', has: () => true };
      await store.userSets.change({ kind: 'common_suppression' }, 'replace', collected, population, 100);
      collected.close();
    };

    it('is noticed if the active audience was made without it, also after a rollback', async () => {
      const store = await newData().open();
      const id = await ready(store);
      expect((await store.get(id)).needsExpansion).toBe(false);
      await suppress(store, ['dan']);
      expect((await store.get(id)).needsExpansion).toBe(true);
      await store.expand(id);
      expect((await store.get(id)).needsExpansion).toBe(false);
      await finishNext(store);
      expect((await store.get(id)).needsExpansion).toBe(false);
      await store.activate(id, 1);
      expect((await store.get(id)).needsExpansion).toBe(true);
    });

    it('is expanded automatically, once, if the policy says so', async () => {
      const store = await newData().open();
      const refresh = { everyMs: null, onNewPopulation: false, onChange: true };
      const { id } = await store.create(newCampaign({ refresh }), everyoneIsKnown);
      await finishNext(store);
      await ready(store);
      expect(await store.expandDue(PINS.populationVersion)).toBe(0);
      await suppress(store, ['dan']);
      expect(await store.expandDue(PINS.populationVersion)).toBe(1);
      expect((await store.expansionsOf(id, { limit: 1 })).items[0]).toMatchObject({ cause: 'change', state: 'queued' });
      expect(await store.expandDue(PINS.populationVersion)).toBe(0);
      await store.end((await store.claim('1:a'))!, 'failed', { code: 'no_candidates', message: 'nobody is left' });
      expect(await store.expandDue(PINS.populationVersion)).toBe(0);
      await store.update(id, { filters: { city: ['c1'] } });
      expect(await store.expandDue(PINS.populationVersion)).toBe(1);
      const job = (await store.claim('1:a'))!;
      await store.pin(job, { modelVersion: 'model-2', populationVersion: 'population-2' });
      await expand(store, job);
      // the version before is that of the first expansion
      expect(await store.activeAudience(id)).toMatchObject({
        cause: 'change',
        changed: ['filters', 'common_suppression', 'population', 'model'],
      });
    });
  });

  describe('CampaignStore.cancel', () => {
    it('ends a running expansion, at once and for good', async () => {
      const store = await newData().open();
      const { id, expansionId } = await store.create(newCampaign(), everyoneIsKnown);
      const job = (await store.claim('1:a'))!;
      await store.advance(job, { state: 'adapting' });
      expect(await store.cancel(id, expansionId!)).toMatchObject({ state: 'cancelled', reason: null });
      expect((await store.cancel(id, expansionId!)).state).toBe('cancelled');
      expect([await store.isHeld(job), await store.advance(job, { progress: 0.5 }), await store.claim('1:b')]).toEqual([
        false,
        false,
        null,
      ]);
      expect(await store.get(id)).toMatchObject({ state: 'cancelled', audienceVersion: null });
    });

    it('refuses one that has ended or never existed', async () => {
      const store = await newData().open();
      const id = await ready(store);
      const { expansionId } = await store.get(id);
      await expect(store.cancel(id, expansionId!)).rejects.toThrow(
        expect.objectContaining({ code: 'expansion_ended', facts: { state: 'ready' } }),
      );
      await expect(store.cancel(id, 'none')).rejects.toThrow(expect.objectContaining({ code: 'expansion_not_found' }));
      await expect(store.cancel('none', expansionId!)).rejects.toThrow(
        expect.objectContaining({ code: 'campaign_not_found' }),
      );
    });
  });

  describe('audience versions', () => {
    it('get another size at once: the same ranking as another version', async () => {
      const store = await newData().open();
      const id = await ready(store);
      const before = await store.activeAudience(id);
      expect(await store.update(id, { audience: { percent: 33.5 } })).toMatchObject({
        audienceVersion: 2,
        audienceSize: 34,
      });
      expect(await store.activeAudience(id)).toMatchObject({ version: 2, size: 34, folder: before.folder });
      expect(await store.audienceVersion(id, 1)).toEqual({ ...before, isActive: false });
      // the same size does not make another version
      expect((await store.update(id, { audience: { size: 34 } })).audienceVersion).toBe(2);
      expect(await store.update(id, { audience: { size: 5000 } })).toMatchObject({
        audienceVersion: 3,
        audienceSize: 97,
      });
      expect(await store.claim('1:a')).toBe(null);
    });

    it('can be rolled back, and every change of the active one is listed in order', async () => {
      const store = await newData().open();
      const id = await ready(store);
      const other = await ready(store);
      const cuts = [{ name: 'ring', unit: 'size', from: 2, to: 4 }] as const;
      await store.update(id, { audience: { size: 20 }, cuts });
      expect(await store.activate(id, 1)).toMatchObject({ version: 1, size: 10, isActive: true });
      await store.activate(id, 1);
      await change(store.userSets, { kind: 'seeds', campaignId: id }, 'add', ['dan']);
      await store.expand(id);
      await finishNext(store);
      await expect(store.activate(id, 9)).rejects.toThrow(expect.objectContaining({ code: 'audience_not_found' }));
      await store.delete(other);
      const all = await store.changes(undefined, 100);
      expect(
        all.items.map(({ campaignId, cause, changed, version, previousVersion, size, cuts }) => [
          campaignId === id ? 'id' : 'other',
          cause,
          changed,
          version,
          previousVersion,
          size,
          cuts,
        ]),
      ).toEqual([
        ['id', 'created', null, 1, null, 10, []],
        ['other', 'created', null, 1, null, 10, []],
        ['id', 'resize', ['size', 'cuts'], 2, 1, 20, [{ name: 'ring', from: 2, to: 4 }]],
        ['id', 'rollback', ['size', 'cuts'], 1, 2, 10, []],
        ['id', 'requested', ['seeds', 'size', 'cuts'], 3, 1, 20, [{ name: 'ring', from: 2, to: 4 }]],
        ['other', 'deletion', null, null, 1, null, null],
      ]);
      expect(all.hasMore).toBe(false);
      expect(await store.changes(all.nextCursor, 100)).toEqual({
        items: [],
        nextCursor: all.nextCursor,
        hasMore: false,
      });
      const first = await store.changes(undefined, 2);
      expect([first.items.length, first.hasMore]).toEqual([2, true]);
      expect([...first.items, ...(await store.changes(first.nextCursor, 100)).items]).toEqual(all.items);
      const beyond = encodeCursor('changes', 10_000);
      await expect(store.changes(beyond, 1)).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_cursor', details: [expect.objectContaining({ pointer: 'since' })] }),
      );
      await expect(store.changes('nonsense', 1)).rejects.toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
      expect((await store.activeAudiences()).map(({ campaignId, version }) => [campaignId, version])).toEqual([
        [id, 3],
      ]);
      expect(await store.audienceVersion(id, 2)).toMatchObject({ cause: 'resize', changed: ['size', 'cuts'] });
    });

    it('are pruned by count and age, but never the active one; numbers are not reused', async () => {
      const data = newData();
      const store = await data.open();
      const id = await ready(store);
      for (let i = 0; i < 4; i++) {
        await store.expand(id);
        await finishNext(store);
      }
      await store.activate(id, 1);
      const versions = async () =>
        (await store.audienceVersions(id, { limit: 99 })).items.map(({ version }) => version);
      await store.prune({ versions: 3, days: 1 });
      expect(await versions()).toEqual([5, 4, 3, 1]);
      await store.activate(id, 5);
      await store.prune({ versions: 2, days: 1 });
      expect(await versions()).toEqual([5, 4, 3]);
      expect((await store.expansionsOf(id, { limit: 99 })).items.map(({ audienceVersion }) => audienceVersion)).toEqual(
        [5, 4, 3],
      );
      data.clock.pass(DAY_MS + 1);
      await store.prune({ versions: 3, days: 1 });
      expect(await versions()).toEqual([5]);
      await store.update(id, { audience: { size: 11 } });
      expect(await versions()).toEqual([6, 5]);
    });
  });

  describe('CampaignStore.delete', () => {
    it('removes everything of a campaign, whose job owner then loses its claim', async () => {
      const store = await newData().open();
      const id = await ready(store);
      await store.addFeedback(id, [{ userId: 'dan', event: 'click', happenedAt: 1 }]);
      await store.expand(id);
      const job = (await store.claim('1:a'))!;
      await store.delete(id);
      expect([await store.find(id), await store.isHeld(job)]).toEqual([null, false]);
      for (const call of [() => store.activeAudience(id), () => store.feedbackOf(id)])
        await expect(call()).rejects.toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
      for (const call of [() => store.delete(id), () => store.expand(id)])
        await expect(call()).rejects.toMatchObject({ code: 'campaign_not_found' });
      expect(await store.countsByState()).toMatchObject({ ready: 0, queued: 0 });
    });
  });
}
