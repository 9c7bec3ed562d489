/** The outbox: what is due and what is removed, and several nodes that send at the same time. */
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Attempt } from '../../../src/domain/webhook-types.ts';
import { insert } from '../../../src/storage/sql/columns.ts';
import type { Database } from '../../../src/storage/sql/sql.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { atServer, describeDialects, type Node, newNodes } from './nodes.ts';

const hook = { url: 'https://example.com/', events: [], description: '' };
const DELIVERED: Attempt = {
  status: 200,
  error: null,
  durationMs: 1,
  state: 'delivered',
  nextAttemptAt: null,
  isGone: false,
};

async function ping({ webhooks, outbox }: Node<Database>, now: number, count: number): Promise<string> {
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
});

describeDialects('the outbox', (newNodes) => {
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
       SELECT 'd', w.number, e.number, 'pending', CAST(@now AS bigint), 0 FROM webhooks w, webhook_events e
       WHERE e.id = 'e'`,
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

  it('removes deliveries that ended before a time, in bounded numbers, and events without deliveries', async () => {
    const { open, clock } = await newNodes();
    const node = await open();
    const { outbox, database } = node;
    const id = await ping(node, clock.now(), 1);
    await database.run(
      `INSERT INTO webhook_events (id, type, body, created_at)
       SELECT 'e' || i, 'webhook.ping', '{"data":{}}', CAST(@now AS bigint)
       FROM (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001) SELECT i FROM n) numbers`,
      { now: clock.now() },
    );
    await database.run(
      `INSERT INTO webhook_deliveries (id, webhook, event, state, created_at)
       SELECT 'd' || e.number, w.number, e.number, 'delivered', e.created_at FROM webhook_events e, webhooks w
       WHERE e.id LIKE 'e%' AND length(e.id) < 9`,
    );
    expect(await outbox.prune(clock.now())).toBe(false);
    expect((await outbox.deliveries(id, { limit: 2000 })).items).toHaveLength(1002);
    clock.pass(1);
    expect(await outbox.prune(clock.now())).toBe(true);
    expect(await outbox.prune(clock.now())).toBe(false);
    expect((await outbox.deliveries(id, { limit: 2000 })).items).toHaveLength(1);
    expect(await database.all('SELECT 1 FROM webhook_events')).toHaveLength(1);
    expect(await outbox.pendingCount()).toBe(1);
    await node.webhooks.update(id, { enabled: false }, clock.now());
    expect(await outbox.failStranded(clock.now())).toBe(1);
  });
});
