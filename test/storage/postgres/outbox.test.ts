/** The outbox of several nodes that send at the same time: no delivery is sent by two of them. */
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Attempt } from '../../../src/domain/webhook-types.ts';
import { insert } from '../../../src/storage/postgres/database/columns.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { atServer, type Node, newNodes } from './nodes.ts';

const hook = { url: 'https://example.com/', events: [], description: '' };
const DELIVERED: Attempt = {
  ...{ status: 200, error: null, durationMs: 1, state: 'delivered', nextAttemptAt: null, isGone: false },
};

async function ping({ webhooks, outbox }: Node, now: number, count: number): Promise<string> {
  const { webhook } = await webhooks.create(hook, 100, now);
  for (let i = 0; i < count; i++) await outbox.ping(webhook.id, now);
  return webhook.id;
}

/** Ends the connections that hold locks of webhooks, as the server does if their processes are silent. */
const cutSenders = (url: string) =>
  atServer(
    url,
    `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
     WHERE l.locktype = 'advisory' AND d.datname = current_database() AND l.granted`,
  );

describeWithPostgres('the outbox of several nodes', () => {
  it('gives each delivery to one of them, once', async () => {
    const { open, clock } = await newNodes();
    const nodes = [await open(), await open(), await open()];
    for (let i = 0; i < 4; i++) await ping(nodes[0]!, clock.now(), 5);
    const sent: string[] = [];
    const dispatch = async ({ outbox }: Node) => {
      for (let quiet = 0; quiet < 5; ) {
        const due = await outbox.due(clock.now(), 2);
        quiet = due.length === 0 ? quiet + 1 : 0;
        for (const delivery of due) {
          sent.push(delivery.id);
          await setTimeout(2);
          expect(await outbox.record(delivery, DELIVERED, clock.now())).toBe(true);
        }
        await setTimeout(5);
      }
    };
    await Promise.all(nodes.map(dispatch));
    expect(sent).toHaveLength(20);
    expect(new Set(sent).size).toBe(20);
    expect(await nodes[0]!.outbox.pendingCount()).toBe(0);
  });

  it('keeps a webhook with the node that is sending, even if the webhook is disabled and enabled meanwhile', async () => {
    const { open, clock } = await newNodes();
    const [one, two] = [await open(), await open()];
    const id = await ping(one, clock.now(), 1);
    const [delivery] = await one.outbox.due(clock.now(), 9);
    await two.webhooks.update(id, { enabled: false }, clock.now());
    expect(await one.outbox.due(clock.now(), 9)).toEqual([]);
    await two.webhooks.update(id, { enabled: true }, clock.now());
    expect(await two.outbox.due(clock.now(), 9)).toEqual([]);
    await one.outbox.record(delivery!, DELIVERED, clock.now());
    await two.outbox.ping(id, clock.now());
    expect(await one.outbox.due(clock.now() - 1, 9)).toEqual([]); // nothing is due, so the lock is given back
    expect(await two.outbox.due(clock.now(), 9)).toHaveLength(1);
  });

  it('gives the deliveries of a node that ends, or whose connection is cut, to another', async () => {
    const { url, open, clock } = await newNodes();
    const [one, two, three] = [await open(), await open(), await open()];
    await ping(one, clock.now(), 1);
    const found = await one.outbox.due(clock.now(), 9);
    expect(await two.outbox.due(clock.now(), 9)).toEqual([]);
    await one.outbox.close();
    expect(await two.outbox.due(clock.now(), 9)).toEqual(found);
    await cutSenders(url);
    await expect.poll(() => three.outbox.due(clock.now(), 9)).toEqual(found);
    expect(await two.outbox.due(clock.now(), 9)).toEqual([]);
    expect(await three.outbox.record(found[0]!, DELIVERED, clock.now())).toBe(true);
    expect(await two.outbox.record(found[0]!, DELIVERED, clock.now())).toBe(false);
  });

  it('has the secrets of each webhook, newest first, and shows bodies with any character', async () => {
    const { open, clock } = await newNodes();
    const { webhooks, outbox, database } = await open();
    const { webhook, secret } = await webhooks.create(hook, 9, clock.now());
    const { secret: second } = await webhooks.rotate(webhook.id, 1_000, clock.now());
    clock.pass(1);
    const { secret: third } = await webhooks.rotate(webhook.id, 1_000, clock.now());
    await outbox.ping(webhook.id, clock.now());
    const body = JSON.stringify({ type: 'campaign.ready', data: { campaign_id: 'c', name: 'nul\0 half \ud800' } });
    await insert(database, 'webhook_events', { id: 'e', type: 'campaign.ready', body, created_at: clock.now() });
    await database.run(
      `INSERT INTO webhook_deliveries (id, webhook, event, state, next_attempt_at, created_at)
       SELECT 'd', w.number, e.number, 'pending', @now::bigint, 0 FROM webhooks w, webhook_events e WHERE e.id = 'e'`,
      { now: clock.now() },
    );
    const due = await outbox.due(clock.now(), 9);
    expect(due.map(({ secrets }) => secrets)).toEqual(due.map(() => [third, second, secret]));
    expect(due.at(-1)!.body).toBe(body);
    const { items } = await outbox.deliveries(webhook.id, { limit: 9 });
    expect(items.map(({ campaignId }) => campaignId)).toEqual(['c', null]);
    clock.pass(1_000);
    expect((await outbox.due(clock.now(), 1))[0]!.secrets).toEqual([third]);
  });

  it('removes old deliveries, and events without deliveries', async () => {
    const { open, clock } = await newNodes();
    const [one, two] = [await open(), await open()];
    await ping(one, clock.now(), 2);
    const [first] = await one.outbox.due(clock.now(), 1);
    await one.outbox.record(first!, DELIVERED, clock.now());
    clock.pass(1);
    expect(await Promise.all([one.outbox.prune(clock.now()), two.outbox.prune(clock.now())])).toEqual([false, false]);
    expect(await one.outbox.pendingCount()).toBe(1);
    expect(await one.database.all('SELECT 1 FROM webhook_events')).toHaveLength(1);
    await one.webhooks.update(first!.webhookId, { enabled: false }, clock.now());
    expect(await two.outbox.failStranded(clock.now())).toBe(1);
  });
});
