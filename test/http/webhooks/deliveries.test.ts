/** Deliveries, from what happens to a campaign to a receiver on loopback, by a clock set by hand. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { DEFAULT_SERVICE_CONFIG, type ServiceConfig } from '../../../src/service/limits.ts';
import { createAddressGuard, type Resolve } from '../../../src/service/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../../../src/service/webhooks/dispatcher.ts';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, SEEDS } from '../fixture.ts';
import { openReceiver, type Received, type Receiver } from './receiver.ts';

let fixture: Fixture;
let clock: ManualClock;
const population = await importUsers();

async function open(
  config: Partial<ServiceConfig> = {},
  parts: { allowedHosts?: string[]; resolve?: Resolve } = {},
): Promise<Receiver> {
  clock = manualClock();
  // the package compares times with the system's
  clock.pass(Date.now() - clock.now());
  const limits = { closeGraceMs: 50, ...config };
  fixture = await openFixture(population, limits, { clock, allowedHosts: ['127.0.0.1'], ...parts });
  return openReceiver();
}

interface Created {
  readonly id: string;
  readonly secret: string;
}
const create = async (url: string, body: object = {}): Promise<Created> => {
  const answer = await fixture.call('POST', '/v1/webhooks', { url, ...body });
  expect(answer.status).toBe(201);
  return answer.json;
};
const ping = async (id: string) => (await fixture.call('POST', `/v1/webhooks/${id}/ping`)).json;
const deliveries = async (id: string) => {
  const { status, json } = await fixture.call('GET', `/v1/webhooks/${id}/deliveries`);
  expect([status, json]).toEqual([200, expect.objectContaining({ items: expect.any(Array) })]);
  return json.items;
};
/** Waits until the newest delivery matches. */
const newest = (id: string, wanted: object) =>
  vi.waitFor(
    async () => {
      // a request may be refused while the machine is busy: it is asked again
      const [found] = await deliveries(id);
      expect(found).toMatchObject(wanted);
      return found;
    },
    { timeout: 20_000, interval: 5 },
  );
const receivedBy = (receiver: Receiver, count: number) =>
  vi.waitFor(() => expect(receiver.received).toHaveLength(count), { timeout: 20_000, interval: 5 });
const verify = (secret: string, { body, headers }: Received) =>
  // biome-ignore lint/suspicious/noExplicitAny: the tests assert what it is
  new Webhook(secret).verify(body, headers as Record<string, string>) as any;

describe('events of campaigns', () => {
  it('tell of ready, signed, with the numbers of the audience', async () => {
    const receiver = await open();
    const { id, secret } = await create(receiver.url);
    const campaignId = await fixture.createReady({ ...OK_BODY, external_id: 'shoes-1' });
    await fixture.webhooks.wake();
    const delivery = await newest(id, { state: 'delivered', type: 'campaign.ready' });
    expect(delivery.campaign_id).toBe(campaignId);
    const [received] = receiver.received;
    expect(verify(secret, received!)).toEqual({
      type: 'campaign.ready',
      timestamp: new Date(clock.now()).toISOString(),
      data: {
        campaign_id: campaignId,
        external_id: 'shoes-1',
        name: 'autumn shoes',
        expansion_id: expect.any(String),
        cause: 'created',
        state: 'ready',
        audience_version: 1,
        size: 50,
        cuts: [],
        changed: null,
        reason: null,
      },
    });
    expect(received!.headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': delivery.event_id });
    expect(received!.path).toBe('/hook');
    expect(delivery).toMatchObject({ attempts: 1, last_status: 200, last_error: null, next_attempt_at: null });
  });

  it('tell of too_small and failed, with the reason, and only who asked', async () => {
    const receiver = await open();
    const other = await openReceiver();
    const { id } = await create(receiver.url, { events: ['campaign.too_small', 'campaign.failed'] });
    await create(other.url, { events: ['campaign.ready', 'campaign.refreshed'] });
    await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, seeds: SEEDS.slice(0, 3) });
    await fixture.webhooks.wake();
    await newest(id, { state: 'delivered' });
    await fixture.call('POST', '/v1/campaigns', OK_BODY);
    const job = (await fixture.store.claim('1:x'))!;
    await fixture.store.end(job, 'failed', { code: 'no_candidates', message: 'nobody is left' });
    await fixture.webhooks.wake();
    await newest(id, { state: 'delivered', type: 'campaign.failed' });
    const told = receiver.received.map(({ body }) => JSON.parse(body));
    expect(told).toEqual([
      expect.objectContaining({ type: 'campaign.too_small' }),
      expect.objectContaining({ type: 'campaign.failed' }),
    ]);
    expect(told[0].data).toMatchObject({
      state: 'too_small',
      audience_version: null,
      size: null,
      reason: { code: 'too_few_seeds', known: 3, minimum: 10 },
    });
    expect(told[1].data).toMatchObject({ state: 'failed', reason: { code: 'no_candidates' } });
    expect(other.received).toEqual([]);
  });

  it('are not kept for a webhook that is disabled, and none where there is no webhook', async () => {
    const receiver = await open();
    const { id } = await create(receiver.url);
    await fixture.call('PATCH', `/v1/webhooks/${id}`, { enabled: false });
    await fixture.createReady();
    await fixture.call('PATCH', `/v1/webhooks/${id}`, { enabled: true });
    expect(await deliveries(id)).toEqual([]);
  });
});

describe('an answer that is no 2xx', () => {
  it('is tried again after growing pauses, byte for byte the same and signed again', async () => {
    const receiver = await open();
    receiver.answer = 503;
    const { id, secret } = await create(receiver.url);
    await ping(id);
    const first = await newest(id, { attempts: 1, state: 'pending', last_status: 503 });
    const pauses = [Date.parse(first.next_attempt_at) - clock.now()];
    await fixture.webhooks.wake();
    await sleep(20);
    expect(receiver.received).toHaveLength(1);
    for (const attempts of [2, 3]) {
      clock.pass(pauses.at(-1)!);
      if (attempts === 3) receiver.answer = 204;
      await fixture.webhooks.wake();
      const delivery = await newest(id, { attempts });
      if (delivery.next_attempt_at !== null) pauses.push(Date.parse(delivery.next_attempt_at) - clock.now());
    }
    expect(await newest(id, { state: 'delivered', attempts: 3, last_status: 204, next_attempt_at: null })).toBeTruthy();
    expect(pauses[0]! / 5000).toBeCloseTo(1, 0);
    expect(pauses[1]! / 30_000).toBeCloseTo(1, 0);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp'])).size).toBe(3);
    for (const received of receiver.received) verify(secret, received);
  });

  it.each([
    ['seconds', () => '600'],
    ['a date', (now: number) => new Date(now + 600_000).toUTCString()],
  ])('with Retry-After (%s) is not tried again before', async (_name, retryAfter) => {
    const receiver = await open();
    receiver.answer = (response) => response.writeHead(429, { 'retry-after': retryAfter(clock.now()) }).end();
    const { id } = await create(receiver.url);
    await ping(id);
    const { next_attempt_at: next } = await newest(id, { attempts: 1, state: 'pending', last_status: 429 });
    const pause = Date.parse(next) - clock.now();
    expect(pause).toBeGreaterThan(598_000); // a date has whole seconds
    expect(pause).toBeLessThanOrEqual(600_000);
    clock.pass(pause - 1);
    await fixture.webhooks.wake();
    await sleep(20);
    expect(receiver.received).toHaveLength(1);
    clock.pass(1);
    await fixture.webhooks.wake();
    await newest(id, { attempts: 2 });
  });

  it('ends as failed a day after the event, with the last attempt', async () => {
    const receiver = await open();
    receiver.answer = 500;
    const { id } = await create(receiver.url);
    const start = clock.now();
    await ping(id);
    for (let attempts = 1; ; attempts++) {
      const { state, next_attempt_at: next } = await newest(id, { attempts });
      if (state === 'failed') break;
      clock.pass(Date.parse(next) - clock.now());
      await fixture.webhooks.wake();
    }
    expect(clock.now() - start).toBe(24 * 3_600_000);
    clock.pass(48 * 3_600_000);
    await fixture.webhooks.wake();
    await sleep(20);
    const { attempts } = await newest(id, { state: 'failed', last_status: 500, next_attempt_at: null });
    expect(receiver.received).toHaveLength(attempts);
    expect(fixture.webhooks.counts()).toEqual({ delivered: 0, retried: attempts - 1, failed: 1 });
  });

  it.each([302, 307])('that redirects (%i) is not followed', async (status) => {
    const receiver = await open();
    const other = await openReceiver();
    receiver.answer = (response) => response.writeHead(status, { location: other.url }).end();
    const { id } = await create(receiver.url);
    await ping(id);
    await newest(id, { state: 'pending', attempts: 1, last_status: status });
    expect(other.received).toEqual([]);
  });

  it('of 410 disables the webhook; what waits is sent when it is enabled again, or fails after a day', async () => {
    const receiver = await open();
    receiver.answer = 410;
    const { id } = await create(receiver.url);
    await ping(id);
    await newest(id, { state: 'failed', attempts: 1, last_status: 410 });
    const webhook = (await fixture.call('GET', `/v1/webhooks/${id}`)).json;
    expect(webhook).toMatchObject({ enabled: false, disabled_reason: 'gone' });
    const change = (body: object) => fixture.call('PATCH', `/v1/webhooks/${id}`, body);
    expect((await change({ enabled: true })).json).toMatchObject({ enabled: true, disabled_reason: null });
    receiver.answer = 500;
    await ping(id);
    await newest(id, { state: 'pending', attempts: 1 });
    await change({ enabled: false });
    clock.pass(3_600_000);
    await fixture.webhooks.wake();
    await sleep(20);
    expect(await newest(id, { state: 'pending', attempts: 1 })).toBeTruthy();
    receiver.answer = 200;
    await change({ enabled: true });
    await newest(id, { state: 'delivered', attempts: 2 });
    receiver.answer = 500;
    await ping(id);
    await newest(id, { state: 'pending', attempts: 1 });
    await change({ enabled: false });
    clock.pass(24 * 3_600_000);
    await fixture.webhooks.wake();
    await newest(id, { state: 'failed', attempts: 1, last_error: 'webhook_disabled' });
  });
});

describe('no answer', () => {
  it('ends at the timeout, and is tried again', async () => {
    const receiver = await open({ webhookTimeoutMs: 40 });
    receiver.answer = () => {};
    const { id } = await create(receiver.url);
    await ping(id);
    await newest(id, { state: 'pending', attempts: 1, last_status: null, last_error: 'timeout' });
  });

  it('is told by the code of the system', async () => {
    const receiver = await open();
    const { id } = await create(receiver.url);
    await receiver.close();
    await ping(id);
    await newest(id, { state: 'pending', attempts: 1, last_status: null, last_error: 'ECONNREFUSED' });
  });

  it('whose body never ends is a response with its status', async () => {
    const receiver = await open({ webhookTimeoutMs: 500 });
    receiver.answer = (response) => void response.writeHead(200).write('so ');
    const { id } = await create(receiver.url);
    await ping(id);
    await newest(id, { state: 'delivered', last_status: 200, last_error: null });
  });

  it('is read on for more than the limit', async () => {
    const receiver = await open({ webhookAnswerBytes: 1000, webhookTimeoutMs: 10_000 });
    let sent = 0;
    let closed = false;
    receiver.answer = (response) => {
      response.writeHead(200);
      const pour = setInterval(() => {
        sent += 500;
        response.write('x'.repeat(500));
      }, 2);
      response.on('close', () => {
        closed = true;
        clearInterval(pour);
      });
    };
    const { id } = await create(receiver.url);
    await ping(id);
    await newest(id, { state: 'delivered' });
    await vi.waitFor(() => expect(closed).toBe(true), { timeout: 20_000, interval: 5 });
    expect(sent).toBeLessThan(100_000);
  });
});

describe('a host', () => {
  it('whose name has a private address is refused when it is connected to', async () => {
    const asked: string[] = [];
    const receiver = await open(
      {},
      {
        allowedHosts: [],
        resolve: (host, _options, done) => {
          asked.push(host);
          done(null, [
            { address: '93.184.216.34', family: 4 },
            { address: '127.0.0.1', family: 4 },
          ]);
        },
      },
    );
    const { id } = await create(`https://rebind.example:${receiver.port}/hook`);
    await ping(id);
    await newest(id, { state: 'pending', attempts: 1, last_status: null, last_error: 'address_refused' });
    expect(asked).toEqual(['rebind.example']);
    expect(receiver.received).toEqual([]);
  });

  it('that is allowed no longer is not connected to', async () => {
    const receiver = await open();
    const { id } = await create(receiver.url);
    await fixture.store.outbox.ping(id, clock.now());
    const { store } = fixture;
    const config = { ...DEFAULT_SERVICE_CONFIG, closeGraceMs: 10 };
    const logger = fixture.app.log as never;
    const strict = new WebhookDispatcher({
      outbox: store.outbox,
      guard: createAddressGuard([]),
      logger,
      clock: new ServiceClock({ system: clock }),
      config,
    });
    await strict.wake();
    await newest(id, { state: 'pending', attempts: 1, last_error: 'webhook_url_refused' });
    await strict.stop();
    expect(receiver.received).toEqual([]);
  });
});

describe('a rotated secret', () => {
  it('signs beside the new one for its time, and no longer', async () => {
    const receiver = await open();
    const { id, secret: old } = await create(receiver.url);
    const rotate = async (body?: object) =>
      (await fixture.call('POST', `/v1/webhooks/${id}/rotate`, body)).json.secret as string;
    const signers = async (secrets: string[]) => {
      const before = receiver.received.length;
      await ping(id);
      await receivedBy(receiver, before + 1);
      await newest(id, { state: 'delivered' });
      const last = receiver.received.at(-1)!;
      expect(String(last.headers['webhook-signature']).split(' ').length).toBeLessThanOrEqual(5);
      return secrets.map((secret) => {
        const time = new Date(Number(last.headers['webhook-timestamp']) * 1000);
        const signature = new Webhook(secret).sign(String(last.headers['webhook-id']), time, last.body);
        return String(last.headers['webhook-signature']).split(' ').includes(signature);
      });
    };
    const second = await rotate({ grace_seconds: 3600 });
    expect(await signers([old, second])).toEqual([true, true]);
    clock.pass(3_600_000);
    expect(await signers([old, second])).toEqual([false, true]);
    const third = await rotate();
    clock.pass(23 * 3_600_000);
    expect(await signers([second, third])).toEqual([true, true]);
    const fourth = await rotate({ grace_seconds: 0 });
    expect(await signers([old, second, third, fourth])).toEqual([false, false, false, true]);
    const many: string[] = [];
    for (let i = 0; i < 7; i++) many.push(await rotate());
    expect(await signers(many)).toEqual([false, false, true, true, true, true, true]);
  });
});

describe('a replay', () => {
  it('is a delivery of its own with the same webhook-id and body', async () => {
    const receiver = await open();
    const { id, secret } = await create(receiver.url);
    await fixture.createReady();
    await fixture.webhooks.wake();
    const first = await newest(id, { state: 'delivered' });
    clock.pass(60_000);
    const answer = await fixture.call('POST', `/v1/webhooks/${id}/deliveries/${first.id}/replay`);
    expect([answer.status, answer.json]).toEqual([
      202,
      expect.objectContaining({ state: 'pending', attempts: 0, event_id: first.event_id, replay_of: first.id }),
    ]);
    await newest(id, { id: answer.json.id, state: 'delivered' });
    const [one, two] = receiver.received;
    expect(two!.body).toBe(one!.body);
    expect(two!.headers['webhook-id']).toBe(one!.headers['webhook-id']);
    expect(two!.headers['webhook-timestamp']).not.toBe(one!.headers['webhook-timestamp']);
    verify(secret, two!);
    expect(await deliveries(id)).toHaveLength(2);
  });
});

describe('a webhook that does not answer', () => {
  it('holds up no other, and gets a few calls at a time', async () => {
    const dead = await open({ webhookParallelCalls: 2, webhookTimeoutMs: 60_000 });
    dead.answer = () => {};
    const alive = await openReceiver();
    const { id: deadId } = await create(dead.url);
    const { id: aliveId } = await create(alive.url);
    for (let i = 0; i < 50; i++) await fixture.store.outbox.ping(deadId, clock.now());
    clock.pass(1);
    for (let i = 0; i < 20; i++) await fixture.store.outbox.ping(aliveId, clock.now());
    await fixture.webhooks.wake();
    await receivedBy(alive, 20);
    expect(dead.received).toHaveLength(2);
    const counts = { delivered: 20, retried: 0, failed: 0 };
    await vi.waitFor(() => expect(fixture.webhooks.counts()).toEqual(counts), { timeout: 20_000, interval: 5 });
  });
});

describe('many calls at a time', () => {
  it('are no leak to Node', async () => {
    const receiver = await open({ webhookParallelCalls: 20 });
    const warnings: string[] = [];
    const listen = ({ message }: Error) => void warnings.push(message);
    process.on('warning', listen);
    receiver.answer = () => {};
    const { id } = await create(receiver.url);
    for (let i = 0; i < 20; i++) await fixture.store.outbox.ping(id, clock.now());
    await fixture.webhooks.wake();
    await receivedBy(receiver, 20);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});

describe('a webhook that is deleted', () => {
  it('is sent nothing more, and an attempt in flight is recorded nowhere', async () => {
    const receiver = await open({ webhookParallelCalls: 1 });
    let finish = () => {};
    receiver.answer = (response) => {
      finish = () => response.writeHead(200).end();
    };
    const { id } = await create(receiver.url);
    for (let i = 0; i < 3; i++) await ping(id);
    await receivedBy(receiver, 1);
    expect((await fixture.call('DELETE', `/v1/webhooks/${id}`)).status).toBe(204);
    finish();
    await fixture.webhooks.wake();
    await sleep(30);
    expect(receiver.received).toHaveLength(1);
    expect(fixture.webhooks.counts()).toEqual({ delivered: 0, retried: 0, failed: 0 });
    expect(fixture.log()).not.toContain('could not be sent');
  });
});

describe('stop', () => {
  it('waits for answers, and an attempt that it cuts is made again', async () => {
    const receiver = await open({ closeGraceMs: 40 });
    receiver.answer = () => {};
    const { id } = await create(receiver.url);
    await ping(id);
    await receivedBy(receiver, 1);
    await fixture.webhooks.stop();
    expect((await deliveries(id))[0]).toMatchObject({ state: 'pending', attempts: 0, last_error: null });
    await fixture.webhooks.wake();
    await sleep(20);
    expect(receiver.received).toHaveLength(1);
    receiver.answer = (response) => void setTimeout(() => response.writeHead(200).end(), 20);
    const next = new WebhookDispatcher({
      outbox: fixture.store.outbox,
      guard: createAddressGuard(['127.0.0.1']),
      logger: fixture.app.log as never,
      clock: new ServiceClock({ system: clock }),
      config: { ...DEFAULT_SERVICE_CONFIG, closeGraceMs: 5000 },
    });
    await next.start();
    await receivedBy(receiver, 2);
    await next.stop();
    expect((await deliveries(id))[0]).toMatchObject({ state: 'delivered', attempts: 1 });
    const [one, two] = receiver.received;
    expect([two!.headers['webhook-id'], two!.body]).toEqual([one!.headers['webhook-id'], one!.body]);
  });
});

describe('an outcome that cannot be recorded', () => {
  it('is not a reason to send over and over: nothing is sent for 30 s, then again', async () => {
    const receiver = await open();
    const { id } = await create(receiver.url);
    const database = connect(join(fixture.dataDir, 'metaheac.db'));
    database.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON webhook_deliveries BEGIN SELECT RAISE(ABORT, 'no'); END`);
    await ping(id);
    await receivedBy(receiver, 1);
    await vi.waitFor(() => expect(fixture.log()).toContain('could not be sent or recorded'), { timeout: 20_000 });
    for (let i = 0; i < 5; i++) await fixture.webhooks.wake();
    clock.pass(29_999);
    await fixture.webhooks.wake();
    await sleep(30);
    expect(receiver.received).toHaveLength(1);
    database.exec('DROP TRIGGER refuse');
    database.close();
    clock.pass(1);
    await fixture.webhooks.wake();
    await newest(id, { state: 'delivered', attempts: 1 });
    expect(receiver.received).toHaveLength(2);
  });
});

describe('metrics and log', () => {
  it('count attempts and what waits, and name no URL and no secret', async () => {
    const receiver = await open();
    const { id, secret } = await create(`${receiver.url}?token=hunter2`);
    await ping(id);
    await newest(id, { state: 'delivered' });
    expect(receiver.received[0]!.path).toBe('/hook?token=hunter2');
    receiver.answer = 500;
    await ping(id);
    await newest(id, { attempts: 1, last_status: 500 });
    const lines = (await fixture.call('GET', '/metrics')).text.split('\n');
    for (const line of [
      'metaheac_webhook_attempts_total{outcome="delivered"} 1',
      'metaheac_webhook_attempts_total{outcome="retried"} 1',
      'metaheac_webhook_attempts_total{outcome="failed"} 0',
      'metaheac_webhook_deliveries_pending 1',
    ])
      expect(lines).toContain(line);
    const log = fixture.log();
    const line = log.split('\n').find((text) => text.includes('"outcome":"retried"')) ?? '{}';
    expect(JSON.parse(line)).toMatchObject({
      webhook: id,
      type: 'webhook.ping',
      attempt: 1,
      status: 500,
      msg: 'webhook',
    });
    for (const word of [secret, secret.slice(6), 'hunter2', '/hook']) expect(log).not.toContain(word);
  });
});

describe('the log of deliveries', () => {
  it('forgets what ended long ago, and events with it, but nothing that waits', async () => {
    const receiver = await open({ webhookRetentionMs: 3 * 3_600_000 });
    const { id } = await create(receiver.url);
    await ping(id);
    const old = await newest(id, { state: 'delivered' });
    receiver.answer = 500;
    await ping(id);
    const waiting = await newest(id, { attempts: 1, state: 'pending' });
    clock.pass(4 * 3_600_000);
    receiver.answer = 200;
    await ping(id);
    await newest(id, { state: 'delivered' });
    await vi.waitFor(async () => expect(await deliveries(id)).toHaveLength(2), { timeout: 20_000, interval: 5 });
    const ids = (await deliveries(id)).map((delivery: { id: string }) => delivery.id);
    expect(ids).toContain(waiting.id);
    expect(ids).not.toContain(old.id);
  });
});
