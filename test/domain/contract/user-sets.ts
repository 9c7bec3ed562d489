/** User sets: changed in one commit, stored as blobs, and removed when nothing refers to them. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { UserSets } from '../../../src/domain/ports/user-sets.ts';
import type { Change, ChangeOptions, MatchedPopulation, SetOwner } from '../../../src/domain/user-sets.ts';
import { newSetName, SEED_FOLDER, userSetFile } from '../../../src/storage/files/set-file.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

const COMMON: SetOwner = { kind: 'common_suppression' };
const EVERYONE: MatchedPopulation = { version: 'p', has: everyoneIsKnown };

/** Changes a set as an upload does. */
/** `users` are ids, or ids with weights. */
export async function change(
  sets: UserSets,
  owner: SetOwner,
  how: Change,
  users: readonly (string | readonly [id: string, weight: number])[],
  options: ChangeOptions = {},
) {
  const collected = sets.collect();
  try {
    for (const user of users) typeof user === 'string' ? collected.add(user) : collected.add(...user);
    return await sets.change(owner, how, collected, EVERYONE, 1_000, options);
  } finally {
    collected.close();
  }
}

export function describeUserSets(newData: NewData): void {
  describe('user sets', () => {
    it('can be replaced, added to and removed from, and read by other stores', async () => {
      const data = newData();
      const [{ userSets }, other] = [await data.open(), await data.open()];
      const read = async () => [...(await other.setBlocks((await other.userSets.find(COMMON))!))].flat();
      await change(userSets, COMMON, 'replace', ['cid', 'ann', 'cid']);
      expect(await read()).toEqual(['ann', 'cid']);
      await change(userSets, COMMON, 'add', ['bob', 'ann']);
      expect(await read()).toEqual(['ann', 'bob', 'cid']);
      await change(userSets, COMMON, 'remove', ['ann', 'dan']);
      expect(await read()).toEqual(['bob', 'cid']);
    });

    it('are blobs, each with a name that begins with the sha256 of its bytes', async () => {
      const store = await newData().open();
      const { blobs, userSets } = store;
      await store.create(newCampaign({ seeds: ['bob', 'ann'] }), everyoneIsKnown);
      const { seeds } = (await store.claim('1:a'))!.sets;
      await change(userSets, COMMON, 'replace', ['ann', 'bob']);
      const names = new Set([seeds, (await userSets.find(COMMON))!]);
      expect((await blobs.list(SEED_FOLDER)).sort()).toEqual([...names].map(userSetFile).sort());
      for (const name of names) {
        const bytes = await blobs.read(SEED_FOLDER, userSetFile(name));
        expect(Buffer.from(bytes).toString()).toBe('ann\nbob\n');
        expect(name.slice(0, 64)).toBe(createHash('sha256').update(bytes).digest('hex'));
      }
    });

    it('that are replaced by equal sets need no new expansion', async () => {
      const store = await newData().open();
      const { id } = await store.create(newCampaign({ seeds: ['bob', 'ann'] }), everyoneIsKnown);
      await change(store.userSets, COMMON, 'replace', ['cid']);
      await change(store.userSets, { kind: 'seeds', campaignId: id }, 'replace', ['ann', 'bob']);
      expect((await store.get(id)).needsExpansion).toBe(true);
      await store.expand(id);
      await expand(store, (await store.claim('1:a'))!);
      await change(store.userSets, COMMON, 'replace', ['cid']);
      await change(store.userSets, { kind: 'seeds', campaignId: id }, 'replace', ['bob', 'ann']);
      expect((await store.get(id)).needsExpansion).toBe(false);
      await change(store.userSets, COMMON, 'replace', ['dan']);
      expect((await store.get(id)).needsExpansion).toBe(true);
      await change(store.userSets, COMMON, 'replace', ['cid']);
      await change(store.userSets, { kind: 'negatives', campaignId: id }, 'replace', ['eve']);
      expect((await store.get(id)).needsExpansion).toBe(true);
      await store.userSets.clear({ kind: 'negatives', campaignId: id });
      expect((await store.get(id)).needsExpansion).toBe(false);
      await store.update(id, { negativeWeight: 2 });
      expect((await store.get(id)).needsExpansion).toBe(true);
    });

    it('are removed when nothing refers to them, and stay as long as an expansion refers to them', async () => {
      const store = await newData().open();
      const { blobs, userSets } = store;
      const { id, expansionId } = await store.create(newCampaign(), everyoneIsKnown);
      const owner: SetOwner = { kind: 'seeds', campaignId: id };
      const first = (await userSets.find(owner))!;
      await change(userSets, owner, 'replace', ['dan']);
      await change(userSets, owner, 'replace', ['eve']);
      const last = (await userSets.find(owner))!;
      expect((await blobs.list(SEED_FOLDER)).sort()).toEqual([first, last].map(userSetFile).sort());
      expect([...(await store.setBlocks(first))].flat()).toEqual(['ann', 'bob', 'cid']);
      await store.cancel(id, expansionId!);
      await store.delete(id);
      expect(await blobs.list(SEED_FOLDER)).toEqual([]);
      const missing = expect.objectContaining({ code: 'storage_failed', facts: { errno: 'ENOENT' } });
      await expect(async () => [...(await store.setBlocks(first))]).rejects.toThrow(missing);
    });

    it('lose leftovers of killed processes at a start, and nothing that is recorded', async () => {
      const store = await newData().open();
      const { blobs, userSets } = store;
      await store.removeLeftovers();
      await change(userSets, COMMON, 'replace', ['ann']);
      const kept = userSetFile((await userSets.find(COMMON))!);
      const unused = await blobs.write(SEED_FOLDER).finish();
      await unused.publish(userSetFile(newSetName('0'.repeat(64), 0)));
      blobs.write(SEED_FOLDER).write(Buffer.from('half'));
      await store.removeLeftovers();
      expect(await blobs.list(SEED_FOLDER)).toEqual([kept]);
    });

    it('are refused if their campaign is deleted while they are written, and leave nothing', async () => {
      const { store, id } = await created(newData());
      const changing = change(store.userSets, { kind: 'seeds', campaignId: id }, 'add', ['a', 'b']);
      const refused = expect(changing).rejects.toThrow(expect.objectContaining({ code: 'campaign_not_found' }));
      await store.delete(id);
      await refused;
      expect(await store.blobs.list(SEED_FOLDER)).toEqual([]);
    });

    it('are read to their end if they are replaced meanwhile', async () => {
      const { blobs, userSets } = await newData().open();
      const strangers = { version: 'q', has: () => false };
      await change(userSets, COMMON, 'replace', ['a', 'b']);
      const before = userSetFile((await userSets.find(COMMON))!);
      const unknown = await userSets.unknownOf(COMMON, strangers);
      const report = userSets.report(COMMON, strangers);
      const first = unknown.next().value;
      await change(userSets, COMMON, 'replace', ['c']);
      expect(await blobs.list(SEED_FOLDER)).not.toContain(before);
      expect([...(first ?? []), ...[...unknown].flat()]).toEqual(['a', 'b']);
      expect(await report).toMatchObject({ unknown: 2, unknownExamples: ['a', 'b'] });
    });

    it('are matched again with each population version', async () => {
      const { userSets } = await newData().open();
      await change(userSets, COMMON, 'replace', ['a', 'b']);
      const next = { version: 'q', has: (userId: string) => userId === 'a' };
      expect(await userSets.report(COMMON, EVERYONE)).toMatchObject({ known: 2, unknown: 0 });
      expect(await userSets.report(COMMON, next)).toMatchObject({ known: 1, unknown: 1, unknownExamples: ['b'] });
    });
  });
}
