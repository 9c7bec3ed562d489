/** The outbox: events are written with the change that they report, or not at all. */
import { describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { CAMPAIGN_EVENTS, type DueDelivery } from '../../../src/domain/webhook-types.ts';
import { everyoneIsKnown, expand, newCampaign } from './inputs.ts';
import type { NewData } from './new-data.ts';

const ENGINE = '1:engine';
const webhook = { url: 'https://example.com/', events: CAMPAIGN_EVENTS, description: '' };

async function openTold(newData: NewData, options: Parameters<NewData>[0] = {}) {
  const { clock, open } = newData(options);
  const store = await open();
  const { webhook: created } = await store.webhooks.create(webhook, 10, clock.now());
  return { clock, store, open, id: created.id };
}
const due = async (store: CampaignStore, now: number): Promise<readonly DueDelivery[]> =>
  await store.outbox.due(now, 100);
const told = (deliveries: readonly DueDelivery[]) =>
  deliveries.map(({ type, body }) => {
    const { campaign_id: _, expansion_id: __, ...data } = JSON.parse(body).data;
    return [type, data];
  });
const NO_VERSION = { audience_version: null, size: null, cuts: null, changed: null };
const failed = { status: 500, error: null, durationMs: 1, isGone: false };

export function describeOutbox(newData: NewData): void {
  describe('events', () => {
    it('report every end that a webhook subscribes to', async () => {
      const { store, clock, id } = await openTold(newData, { minimumSeeds: 2, maximumAttempts: 1 });
      await store.create(newCampaign({ seeds: ['ann'], name: 'small' }), everyoneIsKnown);
      await store.create(newCampaign({ name: 'ready' }), everyoneIsKnown);
      await expand(store, (await store.claim(ENGINE))!);
      await store.create(newCampaign({ name: 'failed' }), everyoneIsKnown);
      await store.end((await store.claim(ENGINE))!, 'failed', { code: 'x', message: 'y' });
      await store.create(newCampaign({ name: 'retried' }), everyoneIsKnown);
      await store.retryLater((await store.claim(ENGINE))!, { code: 'z', message: 'z' }, 1000);
      await store.create(newCampaign({ name: 'crashed' }), everyoneIsKnown);
      await store.advance((await store.claim(ENGINE))!, { state: 'adapting' });
      await store.releaseOwner(ENGINE);
      const names = told(await due(store, clock.now())).map(([type, data]) => [type, data.name, data.reason?.code]);
      expect(names).toEqual([
        ['campaign.too_small', 'small', 'too_few_seeds'],
        ['campaign.ready', 'ready', undefined],
        ['campaign.failed', 'failed', 'x'],
        ['campaign.failed', 'retried', 'z'],
        ['campaign.failed', 'crashed', 'crashed'],
      ]);
      await store.webhooks.update(id, { events: ['campaign.refreshed'] }, clock.now());
      await store.create(newCampaign(), everyoneIsKnown);
      await expand(store, (await store.claim(ENGINE))!);
      expect(await due(store, clock.now())).toHaveLength(5);
    });

    it('report refreshed when there was an audience before, and nothing for superseded or cancelled expansions', async () => {
      const { store, clock } = await openTold(newData);
      const { id } = await store.create(newCampaign({ externalId: 'ours' }), everyoneIsKnown);
      await expand(store, (await store.claim(ENGINE))!);
      await store.expand(id);
      await store.cancel(id, (await store.expand(id)).id);
      const { id: third } = await store.expand(id);
      await store.update(id, { audience: { size: 5 } });
      await expand(store, (await store.claim(ENGINE))!);
      const names = { external_id: 'ours', name: 'spring shoes' };
      const common = { ...names, cuts: [], state: 'ready', reason: null };
      expect(told(await due(store, clock.now()))).toEqual([
        ['campaign.ready', { ...common, cause: 'created', audience_version: 1, size: 10, changed: null }],
        [
          'campaign.resized',
          { ...names, audience_version: 2, size: 5, cuts: [], previous_version: 1, changed: ['size'] },
        ],
        ['campaign.refreshed', { ...common, cause: 'requested', audience_version: 3, size: 5, changed: [] }],
      ]);
      expect(JSON.parse((await due(store, clock.now()))[2]!.body).data).toMatchObject({
        campaign_id: id,
        expansion_id: third,
      });
    });

    it('report what callers do to an audience, and nothing when it stays the same', async () => {
      const { store, clock } = await openTold(newData, { minimumSeeds: 2 });
      const { id } = await store.create(newCampaign({ externalId: 'ours' }), everyoneIsKnown);
      await store.update(id, { audience: { size: 7 } });
      await expand(store, (await store.claim(ENGINE))!);
      await store.update(id, { audience: { size: 5 } });
      const cuts = [{ name: 'ring', unit: 'size', from: 2, to: 4 }] as const;
      await store.update(id, { audience: { size: 5 }, name: 'other shoes', cuts });
      await store.activate(id, 1);
      await expect(store.activate(id, 9)).rejects.toThrow(expect.objectContaining({ code: 'audience_not_found' }));
      await store.delete(id);
      const empty = (await store.create(newCampaign({ name: 'small', seeds: ['ann'] }), everyoneIsKnown)).id;
      await store.delete(empty);
      const other = { external_id: 'ours', name: 'other shoes' };
      const sizes = [{ name: 'ring', from_size: 2, to_size: 4, size: 2 }];
      expect(told(await due(store, clock.now())).filter(([type]) => !/ready|too_small/.test(type))).toEqual([
        [
          'campaign.resized',
          {
            ...other,
            name: 'spring shoes',
            audience_version: 2,
            size: 5,
            cuts: [],
            previous_version: 1,
            changed: ['size'],
          },
        ],
        [
          'campaign.resized',
          { ...other, audience_version: 3, size: 5, cuts: sizes, previous_version: 2, changed: ['cuts'] },
        ],
        [
          'campaign.activated',
          { ...other, audience_version: 1, size: 7, cuts: [], previous_version: 3, changed: ['size', 'cuts'] },
        ],
        ['campaign.deleted', { ...other, ...NO_VERSION, previous_version: 1 }],
        ['campaign.deleted', { external_id: null, name: 'small', ...NO_VERSION, previous_version: null }],
      ]);
      expect(JSON.parse((await due(store, clock.now())).at(-1)!.body).data.campaign_id).toBe(empty);
    });
  });

  describe('destinations', () => {
    it('get the events of active versions of campaigns with their labels, with their settings', async () => {
      const { store, clock, id } = await openTold(newData);
      const place = { kind: 'folder', path: 'a' } as const;
      const files = { format: 'csv', mode: 'full', cut: null, identifier: 'email:uid2' } as const;
      const input = { name: 'ads', place, labels: { team: 'growth' }, ...files };
      const made = await store.destinations.create(input, 1, clock.now());
      const times = { createdAt: clock.now(), updatedAt: clock.now() };
      expect(await store.destinations.get(made.id)).toEqual({ ...input, id: made.id, paused: false, ...times });
      expect((await store.webhooks.list({ limit: 9 })).items.map((hook) => hook.id)).toEqual([id]);
      await store.create(newCampaign({ labels: { team: 'growth' } }), everyoneIsKnown);
      await expand(store, (await store.claim(ENGINE))!);
      await store.create(newCampaign(), everyoneIsKnown);
      await expand(store, (await store.claim(ENGINE))!);
      const mine = (await due(store, clock.now())).filter(({ webhookId }) => webhookId === made.id);
      expect(mine).toMatchObject([{ type: 'campaign.ready', destination: input, secrets: [] }]);
      const { items } = await store.outbox.deliveries(made.id, { limit: 9 }, 'destination');
      expect(items).toMatchObject([{ id: mine[0]!.id, audienceVersion: 1, state: 'pending' }]);
      await expect(store.destinations.create(input, 1, clock.now())).rejects.toMatchObject({
        code: 'too_many_destinations',
      });
      const changed = await store.destinations.update(made.id, { cut: 'first', paused: true }, clock.now());
      expect(changed).toEqual({ ...made, cut: 'first', paused: true });
      await store.create(
        newCampaign({ labels: { team: 'growth' }, cuts: [{ name: 'first', unit: 'size', from: 0, to: 1 }] }),
        everyoneIsKnown,
      );
      await expand(store, (await store.claim(ENGINE))!);
      const waiting = await store.outbox.deliveries(made.id, { limit: 9 }, 'destination');
      expect(waiting.items).toHaveLength(2);
      expect((await due(store, clock.now())).filter(({ webhookId }) => webhookId === made.id)).toEqual([]);
      await store.destinations.update(made.id, { paused: false }, clock.now());
      const resumed = (await due(store, clock.now())).filter(({ webhookId }) => webhookId === made.id);
      expect(resumed).toHaveLength(2);
      expect(resumed[1]!.destination).toEqual({ ...input, cut: 'first' });
      await store.destinations.remove(made.id);
      expect((await store.destinations.list({ limit: 9 })).items).toEqual([]);
    });
  });

  describe('due', () => {
    it('returns the due deliveries of each enabled webhook, longest due first, up to a limit each', async () => {
      const { store, clock, id } = await openTold(newData);
      const { webhook: other } = await store.webhooks.create(webhook, 10, clock.now());
      const first = await store.outbox.ping(id, clock.now());
      const second = await store.outbox.ping(id, clock.now());
      const third = await store.outbox.ping(other.id, clock.now());
      const ids = async (perWebhook: number) =>
        (await store.outbox.due(clock.now(), perWebhook)).map((delivery) => delivery.id);
      expect(await ids(2)).toEqual([first.id, second.id, third.id]);
      expect(await ids(1)).toEqual([first.id, third.id]);
      const [delivery] = await due(store, clock.now());
      await store.outbox.record(
        delivery!,
        { ...failed, state: 'pending', nextAttemptAt: clock.now() + 10 },
        clock.now(),
      );
      expect(await ids(2)).toEqual([second.id, third.id]);
      clock.pass(10);
      expect(await ids(2)).toEqual([second.id, first.id, third.id]);
      await store.webhooks.update(id, { enabled: false }, clock.now());
      expect(await ids(2)).toEqual([third.id]);
    });

    it('writes nothing: the same deliveries stay due until the outcome of an attempt is recorded', async () => {
      const { store, clock, open, id } = await openTold(newData);
      const { id: delivery } = await store.outbox.ping(id, clock.now());
      const [first] = await due(store, clock.now());
      expect(await due(store, clock.now())).toEqual([first]);
      const { items } = await (await open()).outbox.deliveries(id, { limit: 9 });
      expect(items).toMatchObject([{ id: delivery, state: 'pending', attempts: 0, lastAttemptAt: null }]);
    });
  });

  describe('record', () => {
    it('of a receiver that is gone disables its webhook, but not if its URL has changed since', async () => {
      const { store, clock, id } = await openTold(newData);
      await store.outbox.ping(id, clock.now());
      await store.outbox.ping(id, clock.now());
      const [one, two] = await due(store, clock.now());
      const gone = { ...failed, status: 410, state: 'failed', nextAttemptAt: null, isGone: true } as const;
      await store.webhooks.update(id, { url: 'https://new.example/' }, clock.now());
      await store.outbox.record(one!, gone, clock.now());
      expect(await store.webhooks.get(id)).toMatchObject({ enabled: true, disabledReason: null });
      await store.outbox.record({ ...two!, url: 'https://new.example/' }, gone, clock.now());
      expect(await store.webhooks.get(id)).toMatchObject({ enabled: false, disabledReason: 'gone' });
    });
  });
}
