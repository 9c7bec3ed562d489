/** Erasure: nothing in the store contains the user afterwards, and nothing else changes. */
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { SEED_FOLDER } from '../../../src/storage/files/set-file.ts';
import { collected } from '../../fixture/collected.ts';
import { expand, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';
import { change } from './user-sets.ts';

const COMMON: SetOwner = { kind: 'common_suppression' };
const isKnown = (id: string) => !id.startsWith('unknown');
const POPULATION = { version: 'p', has: isKnown };

const idsOf = async (store: CampaignStore, sha256: string | null) =>
  sha256 === null ? null : [...(await store.setBlocks(sha256))].flat();

export function describeUserErasure(newData: NewData): void {
  describe('the erasure of users', () => {
    it('removes them from seeds, lists, examples, feedback and stored responses', async () => {
      const store = await newData().open();
      const seeds = ['ann', 'bob', 'cid', 'unknown-1', 'unknown-2', 'ann'];
      const once = {
        ...{ key: 'k', requestSha256: 'r' },
        answer: ({ name, seeds: { unknownExamples } }: Awaited<ReturnType<CampaignStore['get']>>) =>
          JSON.stringify({ name, seeds: { unknown_examples: unknownExamples } }),
      };
      const { id, expansionId } = await store.create(newCampaign({ seeds }), isKnown, once);
      const other = await store.create(newCampaign({ seeds: ['cid', 'dan', 'eve'] }), isKnown);
      const list: SetOwner = { kind: 'suppression', campaignId: id };
      await change(store.userSets, list, 'replace', ['bob', 'zoe']);
      const negatives: SetOwner = { kind: 'negatives', campaignId: other.id };
      await change(store.userSets, negatives, 'replace', ['bob', 'fay']);
      const { id: second } = await store.expand(other.id);
      await change(store.userSets, COMMON, 'replace', ['unknown-1']);
      await store.addFeedback(id, [
        { userId: 'bob', event: 'click', happenedAt: 1 },
        { userId: 'zoe', event: 'click', happenedAt: 1 },
      ]);
      await store.addFeedback(other.id, [{ userId: 'bob', event: 'dismissal', happenedAt: 1 }]);
      const conversions = [1, 2].map((happenedAt) => ({ userId: 'bob', happenedAt, value: 1 }));
      await store.addConversions(other.id, [...conversions, { userId: 'zoe', happenedAt: 1, value: 1 }]);

      await store.requestErasure(['bob', 'unknown-1', 'never']);
      expect(await store.eraseUsers(['unknown-1', 'bob', 'never', 'bob'])).toEqual({
        ...{ users: 3, sets: 4, feedback: 4, answers: 1 },
      });
      const left = await collected(store.convertedUsers(other.id, { from: 0, to: 9 }));
      expect(left).toEqual([[{ userId: 'zoe', conversions: 1, value: 1 }]]);

      const owner: SetOwner = { kind: 'seeds', campaignId: id };
      expect(await idsOf(store, await store.userSets.find(owner))).toEqual(['ann', 'cid', 'unknown-2']);
      expect(await idsOf(store, await store.userSets.find(list))).toEqual(['zoe']);
      expect(await idsOf(store, await store.userSets.find(COMMON))).toEqual([]);
      expect(await idsOf(store, await store.userSets.find(negatives))).toEqual(['fay']);
      expect((await store.expansion(other.id, second)).negatives).toBe(1);
      expect(await store.userSets.report(owner, POPULATION)).toMatchObject({
        ...{ received: 4, users: 3, known: 2, unknown: 1, duplicate: 1, unknownExamples: ['unknown-2'] },
      });
      const counts = { received: 4, known: 2, unknown: 1, duplicate: 1, unknownExamples: ['unknown-2'] };
      expect((await store.get(id)).seeds).toEqual(counts);
      expect((await store.expansion(id, expansionId!)).seeds).toEqual(counts);
      expect(await store.feedbackOf(id)).toEqual({ conversion: 0, click: 1, dismissal: 0 });
      expect(await store.feedbackOf(other.id)).toEqual({ conversion: 0, click: 0, dismissal: 0 });
      expect(JSON.parse((await store.answerOf({ key: 'k', requestSha256: 'r' }))!)).toEqual({
        ...{ name: 'spring shoes', seeds: { unknown_examples: ['unknown-2'] } },
      });
      expect((await store.get(other.id)).seeds).toEqual(other.seeds);
      expect(await store.requestedErasures(10)).toEqual([]);
      const names = await store.blobs.list(SEED_FOLDER);
      const files = await Promise.all(
        names.map(async (file) => Buffer.from(await store.blobs.read(SEED_FOLDER, file))),
      );
      expect(files.filter((bytes) => /bob|unknown-1/.test(bytes.toString()))).toEqual([]);
    });

    it('removes the features of seeds who are not in the population', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign(), isKnown);
      const owner: SetOwner = { kind: 'seeds', campaignId: id };
      const sent = store.userSets.collect();
      for (const userId of ['ann', 'unknown-1', 'unknown-2', 'unknown-3'])
        sent.add(userId, 2, userId === 'unknown-1' ? undefined : '{"city":"b"}');
      await store.userSets.change(owner, 'replace', sent, POPULATION, 10);
      const { id: expansion } = await store.expand(id);
      const counts = { received: 4, known: 1, unknown: 1, outside: 2, duplicate: 0, unknownExamples: ['unknown-1'] };
      expect((await store.expansion(id, expansion)).seeds).toEqual(counts);
      await store.eraseUsers(['unknown-3']);
      const [block] = [...(await store.setBlocks((await store.userSets.find(owner))!))];
      expect([[...block!], block!.weights, block!.features]).toEqual([
        ['ann', 'unknown-1', 'unknown-2'],
        [2, 2, 2],
        ['{"city":"b"}', undefined, '{"city":"b"}'],
      ]);
      const left = { ...counts, received: 3, outside: 1 };
      expect((await store.get(id)).seeds).toEqual(left);
      expect((await store.expansion(id, expansion)).seeds).toEqual(left);
    });

    it('moves expansions to the new sets, including those from feedback, so that no new expansion is needed', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign(), isKnown);
      await expand(store, (await store.claim('1:a'))!);
      await store.addFeedback(id, [
        { userId: 'bob', event: 'conversion', happenedAt: 1 },
        { userId: 'eve', event: 'conversion', happenedAt: 1 },
        { userId: 'dan', event: 'dismissal', happenedAt: 1 },
      ]);
      const { id: expansion } = await store.expand(id);
      const job = (await store.claim('1:a'))!;
      expect(await idsOf(store, job.sets.positives)).toEqual(['bob', 'eve']);
      expect(await store.eraseUsers(['bob', 'dan'])).toMatchObject({ sets: 3, feedback: 2 });
      // a running attempt finds its set gone, and is made again
      await expect(idsOf(store, job.sets.seeds)).rejects.toThrow(expect.objectContaining({ code: 'storage_failed' }));
      await store.retryLater(job, { code: 'storage_failed', message: 'gone' }, 0);
      const again = (await store.claim('1:a'))!;
      const sets = [again.sets.seeds, again.sets.positives, again.sets.dismissed];
      expect(await Promise.all(sets.map((set) => idsOf(store, set)))).toEqual([['ann', 'cid'], ['eve'], []]);
      expect((await store.expansion(id, expansion)).feedback).toEqual({ positives: 1, dismissed: 0 });
      await expand(store, again);
      expect((await store.get(id)).needsExpansion).toBe(false);
    });

    it('finds a user at any position in sets of any size, with ids of all kinds', async () => {
      const store = await newData().open();
      const ids = Array.from({ length: 900 }, (_, i) => `${'ab"é\u{1F600}\n'[i % 5]}${i}${'x'.repeat(i % 200)}`);
      const odd = ['"quoted', 'line\nbreak', 'é', '\u{1F600}', '￿', ' '];
      const all = [...new Set([...ids, ...odd])].sort();
      for (const size of [1, 2, 40, all.length]) {
        const some = all.filter((_, i) => i % Math.ceil(all.length / size) === 0);
        await change(store.userSets, COMMON, 'replace', some);
        const gone = some.filter((_, i) => i % Math.ceil(some.length / 25) === 0);
        expect(await store.eraseUsers([...gone, 'nobody'])).toMatchObject({ sets: 1 });
        expect(await idsOf(store, await store.userSets.find(COMMON))).toEqual(some.filter((id) => !gone.includes(id)));
        expect(await store.eraseUsers(gone)).toMatchObject({ sets: 0 });
      }
      await change(store.userSets, COMMON, 'replace', all);
      expect(await store.eraseUsers(all.slice(1))).toMatchObject({ sets: 1, users: all.length - 1 });
      expect(await idsOf(store, await store.userSets.find(COMMON))).toEqual(all.slice(0, 1));
    });

    it('is consistent with concurrent uploads of feedback and sets, and with expansions', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign(), isKnown);
      const owner: SetOwner = { kind: 'seeds', campaignId: id };
      await store.addFeedback(id, [{ userId: 'bob', event: 'conversion', happenedAt: 1 }]);
      await Promise.all([
        store.expand(id),
        change(store.userSets, owner, 'add', ['dan']),
        store.eraseUsers(['bob']),
        change(store.userSets, owner, 'add', ['eve']),
        store.expand(id),
      ]);
      expect(await idsOf(store, await store.userSets.find(owner))).toEqual(['ann', 'cid', 'dan', 'eve']);
      const { seeds, positives } = (await store.claim('1:a'))!.sets;
      expect(await idsOf(store, seeds)).not.toContain('bob');
      expect((await idsOf(store, positives)) ?? []).not.toContain('bob');
    });

    it('that were requested are known to every store until they are complete', async () => {
      const data = newData();
      const [store, other] = [await data.open(), await data.open()];
      await store.requestErasure(['cid', 'ann', 'cid']);
      expect([await other.requestedErasures(1), await other.requestedErasures(9)]).toEqual([['ann'], ['ann', 'cid']]);
      await other.eraseUsers(['ann']);
      expect(await store.requestedErasures(9)).toEqual(['cid']);
    });
  });
}
