/** API keys and the audit log: which keys are accepted, and what is recorded with a change. */
import { describe, expect, it } from 'vitest';
import { hashApiKey, type NewApiKey } from '../../../src/domain/api-keys.ts';
import type { PendingAction } from '../../../src/domain/audit.ts';
import { everyoneIsKnown, newCampaign } from './inputs.ts';
import { created, type NewData } from './new-data.ts';

const MOST = 10;
const newKey = (changes: Partial<NewApiKey> = {}): NewApiKey => {
  return { name: 'ad server', scope: 'read', labels: {}, expiresAt: null, ...changes };
};

function pendingAction(action: string, resourceId: string | null = null): PendingAction {
  const whose = { actor: 'mh_1', address: '127.0.0.1', resource: 'campaign', status: 202, requestId: 'r', facts: null };
  return { action: { ...whose, action, resourceId }, isRecorded: false };
}

export function describeApiKeys(newData: NewData): void {
  describe('API keys', () => {
    it('are found by the id that they begin with, and only their hash is stored', async () => {
      const store = await newData().open();
      const { apiKey, key } = await store.apiKeys.create(newKey({ labels: { team: 'a' }, expiresAt: 5 }), MOST);
      expect(key).toMatch(/^mh_[0-9a-f]{12}_[\w-]{43}$/);
      expect(key.startsWith(`${apiKey.id}_`)).toBe(true);
      const found = (await store.apiKeys.find(apiKey.id))!;
      expect(found.sha256).toBe(hashApiKey(key));
      expect(JSON.stringify(found)).not.toContain(key.slice(apiKey.id.length));
      expect(await store.apiKeys.get(apiKey.id)).toEqual(apiKey);
      expect(apiKey).toMatchObject({ scope: 'read', labels: { team: 'a' }, expiresAt: 5, revokedAt: null });
      expect(await store.apiKeys.find('mh_000000000000')).toBeNull();
    });

    it('are up to date in another store once it has caught up', async () => {
      const { open, caughtUp } = newData();
      const [one, two] = [await open(), await open()];
      expect(await two.apiKeys.exist()).toBe(false);
      const { apiKey } = await one.apiKeys.create(newKey(), MOST);
      await caughtUp();
      expect(await two.apiKeys.exist()).toBe(true);
      expect((await two.apiKeys.find(apiKey.id))?.revokedAt).toBeNull();
      await one.apiKeys.revoke(apiKey.id);
      expect((await one.apiKeys.find(apiKey.id))?.revokedAt).not.toBeNull();
      await caughtUp();
      expect((await two.apiKeys.find(apiKey.id))?.revokedAt).not.toBeNull();
      expect(await two.apiKeys.exist()).toBe(true);
    });

    it('are listed newest first, including revoked ones, and are revoked once', async () => {
      const { open, clock } = newData();
      const { apiKeys } = await open();
      const ids: string[] = [];
      for (const n of [1, 2, 3]) ids.push((await apiKeys.create(newKey({ name: `k${n}` }), MOST)).apiKey.id);
      const { revokedAt } = await apiKeys.revoke(ids[1]!);
      clock.pass(1000);
      expect((await apiKeys.revoke(ids[1]!)).revokedAt).toBe(revokedAt);
      const first = await apiKeys.list({ limit: 2 });
      const second = await apiKeys.list({ limit: 2, cursor: first.nextCursor! });
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual([...ids].reverse());
      expect(second.nextCursor).toBeNull();
      await expect(apiKeys.revoke('mh_0')).rejects.toThrow(expect.objectContaining({ code: 'key_not_found' }));
      await expect(apiKeys.list({ limit: 1, cursor: 'x' })).rejects.toThrow(
        expect.objectContaining({ code: 'invalid_cursor' }),
      );
    });

    it('are limited in number, not counting revoked ones', async () => {
      const { apiKeys } = await newData().open();
      const { apiKey } = await apiKeys.create(newKey(), 1);
      await expect(apiKeys.create(newKey(), 1)).rejects.toThrow(expect.objectContaining({ code: 'too_many_keys' }));
      await apiKeys.revoke(apiKey.id);
      await apiKeys.create(newKey(), 1);
    });

    it('give access to campaigns that have all of their labels', async () => {
      const store = await newData().open();
      const create = async (labels: Record<string, string>) =>
        (await store.create(newCampaign({ labels }), everyoneIsKnown)).id;
      const ids = [
        await create({}),
        await create({ team: 'a' }),
        await create({ team: 'a', 'x"y': 'b' }),
        await create({ team: 'b' }),
      ];
      const seenWith = async (labels: Record<string, string>) =>
        (await store.list({ limit: 9, labels })).items.map(({ id }) => id);
      expect(await seenWith({})).toHaveLength(4);
      expect(await seenWith({ team: 'a' })).toEqual([ids[2], ids[1]]);
      expect(await seenWith({ team: 'a', 'x"y': 'b' })).toEqual([ids[2]]);
      expect(await seenWith({ team: 'c' })).toEqual([]);
      expect([await store.findLabels(ids[1]!), await store.findLabels('none')]).toEqual([{ team: 'a' }, null]);
    });
  });

  describe('the audit log', () => {
    it('has an action along with its change, and names the created resource', async () => {
      const { open, clock } = newData();
      const store = await open();
      const { audit } = store;
      const { id } = await audit.during(pendingAction('createCampaign'), () =>
        store.create(newCampaign(), everyoneIsKnown),
      );
      const hook = { url: 'https://example.com/', events: [], description: '' };
      const made = await audit.during(pendingAction('createWebhook'), () =>
        store.webhooks.create(hook, 1, clock.now()),
      );
      const refuse = () => audit.during(pendingAction('again'), () => store.webhooks.create(hook, 1, clock.now()));
      await expect(refuse()).rejects.toThrow(expect.objectContaining({ code: 'too_many_webhooks' }));
      await store.update(id, { name: 'not within' });
      expect((await audit.list({ limit: 9 })).items).toEqual([
        { ...pendingAction('createCampaign', id).action, at: clock.now() },
        { ...pendingAction('createWebhook', made.webhook.id).action, at: clock.now() },
      ]);
      expect((await (await open()).audit.list({ limit: 9 })).items).toHaveLength(2);
    });

    it('has an action once, also without a transaction of its own', async () => {
      const { store, id } = await created(newData());
      const inTransaction = pendingAction('updateCampaign', id);
      await store.audit.during(inTransaction, () => store.update(id, { name: 'a' }));
      const without = pendingAction('activatePopulation', 'p');
      store.audit.during(without, () => {});
      expect([inTransaction.isRecorded, without.isRecorded]).toEqual([true, false]);
      for (const pending of [inTransaction, without, without]) await store.audit.record(pending);
      const { items } = await store.audit.list({ limit: 9 });
      expect(items.map(({ action, resourceId }) => [action, resourceId])).toEqual([
        ['updateCampaign', id],
        ['activatePopulation', 'p'],
      ]);
    });

    it('has an upload, feedback or an erasure in the same transaction as the change, or not at all', async () => {
      const { open } = newData();
      const [store, other] = [await open(), await open()];
      const { id } = await store.create(newCampaign(), everyoneIsKnown);
      const seen = async () => (await other.audit.list({ limit: 9 })).items.map(({ action }) => action);
      const population = { version: 'p', has: everyoneIsKnown };
      const owner = { kind: 'suppression', campaignId: id } as const;
      const upload = async (action: PendingAction, accept?: () => void) => {
        const collected = store.userSets.collect();
        collected.add('ann');
        const options = { action, ...(accept ? { accept } : {}) };
        await store.userSets
          .change(owner, 'replace', collected, population, 10, options)
          .finally(() => collected.close());
      };
      const refused = pendingAction('refused', id);
      const refuse = () => {
        throw new Error('refused');
      };
      await expect(upload(refused, refuse)).rejects.toThrow('refused');
      expect([refused.isRecorded, await seen()]).toEqual([false, []]);

      const [uploaded, reported, erased] = ['upload', 'report', 'erase'].map((name) => pendingAction(name, id));
      await upload(uploaded!);
      const events = Array.from(
        { length: 600 },
        (_, i) => ({ userId: `u${i}`, event: 'click', happenedAt: 1 }) as const,
      );
      await store.addFeedback(id, events, reported!);
      await expect(store.addFeedback('nobody', events, refused)).rejects.toThrow();
      await store.requestErasure(['ann'], [erased!]);
      expect(await seen()).toEqual(['upload', 'report', 'erase']);
      for (const action of [uploaded!, reported!, erased!]) await store.audit.record(action);
      // the action of this turn of the event loop also has one entry
      const now = pendingAction('now', id);
      await store.audit.during(now, () => store.requestErasure(['bob'], [now]));
      expect([now.isRecorded, refused.isRecorded, await seen()]).toEqual([
        true,
        false,
        ['upload', 'report', 'erase', 'now'],
      ]);
    });

    it('is read by time and in pages, and only loses old entries', async () => {
      const { open, clock } = newData();
      const { audit } = await open();
      const start = clock.now();
      for (const action of ['a', 'b', 'c']) {
        await audit.record(pendingAction(action));
        clock.pass(1000);
      }
      const actions = async (query: object) =>
        (await audit.list({ limit: 9, ...query })).items.map(({ action }) => action);
      expect(await actions({ since: start + 1000 })).toEqual(['b', 'c']);
      expect(await actions({ since: start + 1000, until: start + 2000 })).toEqual(['b']);
      const { nextCursor } = await audit.list({ limit: 2 });
      expect(await actions({ cursor: nextCursor! })).toEqual(['c']);
      expect((await audit.list({ limit: 3 })).nextCursor).toBeNull();
      await audit.prune(start + 1000);
      expect(await actions({})).toEqual(['b', 'c']);
    });
  });
}
