/** API keys and the audit log: which keys are accepted, and what is recorded with a change. */
import { describe, expect, it } from 'vitest';
import { hashApiKey, type NewApiKey } from '../../../src/domain/api-keys.ts';
import type { PendingAction } from '../../../src/domain/audit.ts';
import { everyoneIsKnown, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

const MOST = 10;
const newKey = (changes: Partial<NewApiKey> = {}): NewApiKey => {
  return { name: 'ad server', scope: 'read', labels: {}, expiresAt: null, ...changes };
};
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

function pendingAction(action: string, resourceId: string | null = null): PendingAction {
  const whose = { actor: 'mh_1', address: '127.0.0.1', resource: 'campaign', status: 202, requestId: 'r' };
  return { action: { ...whose, action, resourceId }, isRecorded: false };
}

export function describeApiKeys(newData: NewData): void {
  describe('API keys', () => {
    it('are found by the id that they begin with, and only their hash is stored', () => {
      const store = newData().open();
      const { apiKey, key } = store.apiKeys.create(newKey({ labels: { team: 'a' }, expiresAt: 5 }), MOST);
      expect(key).toMatch(/^mh_[0-9a-f]{12}_[\w-]{43}$/);
      expect(key.startsWith(`${apiKey.id}_`)).toBe(true);
      const found = store.apiKeys.find(apiKey.id)!;
      expect(found.sha256).toBe(hashApiKey(key));
      expect(JSON.stringify(found)).not.toContain(key.slice(apiKey.id.length));
      expect(store.apiKeys.get(apiKey.id)).toEqual(apiKey);
      expect(apiKey).toMatchObject({ scope: 'read', labels: { team: 'a' }, expiresAt: 5, revokedAt: null });
      expect(store.apiKeys.find('mh_000000000000')).toBeNull();
    });

    it('are up to date in another store in its next turn of the event loop', async () => {
      const { open } = newData();
      const [one, two] = [open(), open()];
      expect(two.apiKeys.exist()).toBe(false);
      const { apiKey } = one.apiKeys.create(newKey(), MOST);
      await nextTurn();
      expect(two.apiKeys.exist()).toBe(true);
      expect(two.apiKeys.find(apiKey.id)?.revokedAt).toBeNull();
      one.apiKeys.revoke(apiKey.id);
      expect(one.apiKeys.find(apiKey.id)?.revokedAt).not.toBeNull();
      await nextTurn();
      expect(two.apiKeys.find(apiKey.id)?.revokedAt).not.toBeNull();
      expect(two.apiKeys.exist()).toBe(true);
    });

    it('are listed newest first, including revoked ones, and are revoked once', () => {
      const { open, clock } = newData();
      const { apiKeys } = open();
      const ids = [1, 2, 3].map((n) => apiKeys.create(newKey({ name: `k${n}` }), MOST).apiKey.id);
      const { revokedAt } = apiKeys.revoke(ids[1]!);
      clock.pass(1000);
      expect(apiKeys.revoke(ids[1]!).revokedAt).toBe(revokedAt);
      const first = apiKeys.list({ limit: 2 });
      const second = apiKeys.list({ limit: 2, cursor: first.nextCursor! });
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual([...ids].reverse());
      expect(second.nextCursor).toBeNull();
      expect(() => apiKeys.revoke('mh_0')).toThrow(expect.objectContaining({ code: 'key_not_found' }));
      expect(() => apiKeys.list({ limit: 1, cursor: 'x' })).toThrow(
        expect.objectContaining({ code: 'invalid_cursor' }),
      );
    });

    it('are limited in number, not counting revoked ones', () => {
      const { apiKeys } = newData().open();
      const { apiKey } = apiKeys.create(newKey(), 1);
      expect(() => apiKeys.create(newKey(), 1)).toThrow(expect.objectContaining({ code: 'too_many_keys' }));
      apiKeys.revoke(apiKey.id);
      apiKeys.create(newKey(), 1);
    });

    it('give access to campaigns that have all of their labels', () => {
      const store = newData().open();
      const create = (labels: Record<string, string>) => store.create(newCampaign({ labels }), everyoneIsKnown).id;
      const ids = [create({}), create({ team: 'a' }), create({ team: 'a', 'x"y': 'b' }), create({ team: 'b' })];
      const seenWith = (labels: Record<string, string>) => store.list({ limit: 9, labels }).items.map(({ id }) => id);
      expect(seenWith({})).toHaveLength(4);
      expect(seenWith({ team: 'a' })).toEqual([ids[2], ids[1]]);
      expect(seenWith({ team: 'a', 'x"y': 'b' })).toEqual([ids[2]]);
      expect(seenWith({ team: 'c' })).toEqual([]);
      expect([store.findLabels(ids[1]!), store.findLabels('none')]).toEqual([{ team: 'a' }, null]);
    });
  });

  describe('the audit log', () => {
    it('has an action along with its change, and names the created resource', () => {
      const { open, clock } = newData();
      const store = open();
      const { audit } = store;
      const { id } = audit.during(pendingAction('createCampaign'), () => store.create(newCampaign(), everyoneIsKnown));
      const hook = { url: 'https://example.com/', events: [], description: '' };
      const made = audit.during(pendingAction('createWebhook'), () => store.webhooks.create(hook, 1, clock.now()));
      const refuse = () => audit.during(pendingAction('again'), () => store.webhooks.create(hook, 1, clock.now()));
      expect(refuse).toThrow(expect.objectContaining({ code: 'too_many_webhooks' }));
      store.update(id, { name: 'not within' });
      expect(audit.list({ limit: 9 }).items).toEqual([
        { ...pendingAction('createCampaign', id).action, at: clock.now() },
        { ...pendingAction('createWebhook', made.webhook.id).action, at: clock.now() },
      ]);
      expect(open().audit.list({ limit: 9 }).items).toHaveLength(2);
    });

    it('has an action once, also without a transaction of its own', () => {
      const store = newData().open();
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const inTransaction = pendingAction('updateCampaign', id);
      store.audit.during(inTransaction, () => store.update(id, { name: 'a' }));
      const without = pendingAction('activatePopulation', 'p');
      store.audit.during(without, () => {});
      expect([inTransaction.isRecorded, without.isRecorded]).toEqual([true, false]);
      for (const pending of [inTransaction, without, without]) store.audit.record(pending);
      const { items } = store.audit.list({ limit: 9 });
      expect(items.map(({ action, resourceId }) => [action, resourceId])).toEqual([
        ['updateCampaign', id],
        ['activatePopulation', 'p'],
      ]);
    });

    it('has an upload, feedback or an erasure in the same transaction as the change, or not at all', async () => {
      const { open } = newData();
      const [store, other] = [open(), open()];
      const { id } = store.create(newCampaign(), everyoneIsKnown);
      const seen = () => other.audit.list({ limit: 9 }).items.map(({ action }) => action);
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
      expect([refused.isRecorded, seen()]).toEqual([false, []]);

      const [uploaded, reported, erased] = ['upload', 'report', 'erase'].map((name) => pendingAction(name, id));
      await upload(uploaded!);
      const events = Array.from(
        { length: 600 },
        (_, i) => ({ userId: `u${i}`, event: 'click', happenedAt: 1 }) as const,
      );
      await store.addFeedback(id, events, reported!);
      await expect(store.addFeedback('nobody', events, refused)).rejects.toThrow();
      store.requestErasure(['ann'], [erased!]);
      expect(seen()).toEqual(['upload', 'report', 'erase']);
      for (const action of [uploaded!, reported!, erased!]) store.audit.record(action);
      // the action of this turn of the event loop also has one entry
      const now = pendingAction('now', id);
      store.audit.during(now, () => store.requestErasure(['bob'], [now]));
      expect([now.isRecorded, refused.isRecorded, seen()]).toEqual([true, false, ['upload', 'report', 'erase', 'now']]);
    });

    it('is read by time and in pages, and only loses old entries', () => {
      const { open, clock } = newData();
      const { audit } = open();
      const start = clock.now();
      for (const action of ['a', 'b', 'c']) {
        audit.record(pendingAction(action));
        clock.pass(1000);
      }
      const actions = (query: object) => audit.list({ limit: 9, ...query }).items.map(({ action }) => action);
      expect(actions({ since: start + 1000 })).toEqual(['b', 'c']);
      expect(actions({ since: start + 1000, until: start + 2000 })).toEqual(['b']);
      const { nextCursor } = audit.list({ limit: 2 });
      expect(actions({ cursor: nextCursor! })).toEqual(['c']);
      expect(audit.list({ limit: 3 }).nextCursor).toBeNull();
      audit.prune(start + 1000);
      expect(actions({})).toEqual(['b', 'c']);
    });
  });
}
