/** A whole service whose machine's clock is set back, and forward, while it runs. */
import { expect, it } from 'vitest';
import { fakeTime, HAS_FAKE_TIME } from '../fixture/fake-time.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { freeze, HAS_PROC } from '../fixture/processes.ts';
import { type Answer, Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { openReceiver } from '../http/webhooks/receiver.ts';
import { openOtlpReceiver } from '../lib/telemetry/receiver.ts';

const world = await tinyWorld();
const { features, seeds } = world.campaigns[0]!;
const KEY = 'an-operator-key-of-32-characters';
/** Long enough to see the time in which the clock is not believed. */
const SETTLE_MS = 15_000;
/** A first retry is 5 s later, give or take a fifth, and the queue is polled every second. */
const RETRY_MS = 12_000;

// both wait most of the time: they do so beside each other
it.skipIf(!HAS_PROC || !HAS_FAKE_TIME)(
  'a service handles retries, keys, the audit log and durations correctly after jumps of -2 h and +3 h',
  { timeout: 240_000, concurrent: true },
  async ({ onTestFinished }) => {
    const time = fakeTime();
    const receiver = await openReceiver(onTestFinished);
    receiver.answer = (response) => void response.writeHead(500).end();
    const served = await Served.start(
      {
        ...world,
        dataDir: temporaryFolder(),
        env: {
          ...time.env,
          METAHEAC_API_KEY: KEY,
          METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
        },
        limits: { clockSettleMs: SETTLE_MS },
      },
      onTestFinished,
    );
    const call = (method: string, path: string, body?: unknown, key = KEY): Promise<Answer> =>
      served.call(method, path, body, { authorization: `Bearer ${key}` });
    const clock = async () => (await call('GET', '/v1/status')).json.clock;
    const untilState = (state: string) =>
      served.until(async () => (await clock()).state === state, `has a clock that is ${state}`);
    const actionsSince = async (since: string) => {
      const { text } = await call('GET', `/v1/audit?since=${since}`);
      return text
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { time: string; action: string }]));
    };
    const { id: webhook } = (await call('POST', '/v1/webhooks', { url: receiver.url })).json;
    const ping = async () => {
      const before = receiver.received.length;
      expect((await call('POST', `/v1/webhooks/${webhook}/ping`)).status).toBe(202);
      await served.until(() => receiver.received.length > before, 'sent the ping');
    };
    const expiresAt = new Date(Date.now() + 3_000).toISOString();
    const short = { name: 'short', scope: 'read', expires_at: expiresAt };
    const { key } = (await call('POST', '/v1/keys', short)).json;
    const suppressed = async () => (await call('GET', '/v1/suppression')).json.users;
    const expiring = [3_000, 1_800_000].map((ms) => ({
      user_id: `expires in ${ms} ms`,
      expires_at: new Date(Date.now() + ms).toISOString(),
    }));
    await call('PUT', '/v1/suppression', { user_ids: ['stays', ...expiring] });
    await untilState('settled');
    expect((await call('GET', '/v1/status', undefined, key)).status).toBe(401);
    await served.until(async () => (await suppressed()) === 2, 'removed the first user');

    await ping();
    const { length: sent } = receiver.received;
    const last = (await actionsSince('2020-01-01T00:00:00Z')).at(-1)!;
    time.set('-2h');
    const jumpedAt = performance.now();
    await served.until(() => receiver.received.length > sent, 'tried again');
    expect(performance.now() - jumpedAt).toBeLessThan(RETRY_MS);
    await served.until(async () => (await clock()).jumps === 1, 'noticed the jump');
    expect(await clock()).toMatchObject({ state: 'jumped', jumps: 1, ahead_seconds: expect.closeTo(-7200, 0) });
    expect((await call('GET', '/v1/status', undefined, key)).status).toBe(401);
    await call('PATCH', `/v1/webhooks/${webhook}`, { description: 'held' });
    await untilState('settled');
    expect((await call('GET', '/v1/status', undefined, key)).status).toBe(401);
    expect(await suppressed()).toBe(2);
    await call('PATCH', `/v1/webhooks/${webhook}`, { description: 'believed' });
    const entries = await actionsSince(last.time);
    expect(entries.map(({ action }) => action)).toEqual(['pingWebhook', 'updateWebhook', 'updateWebhook']);
    expect(Date.parse(entries[2]!.time)).toBeLessThan(Date.parse(last.time));

    const { json: made } = await call('POST', '/v1/campaigns', { name: 'a', audience: { size: 100 }, features, seeds });
    time.set('+1h');
    const expansion = async () => (await call('GET', `/v1/campaigns/${made.id}/expansions`)).json.items[0];
    await served.until(async () => (await expansion()).state === 'ready', 'expanded');
    expect((await expansion()).timings.queued).toBeLessThan(60);
    const { json: later } = await call('POST', '/v1/campaigns', {
      name: 'b',
      audience: { size: 100 },
      features,
      seeds,
    });
    await served.until(async () => (await call('GET', `/v1/campaigns/${later.id}`)).json.state === 'ready', 'expanded');
    await served.until(async () => (await clock()).jumps === 2, 'noticed the jump');
    expect(await suppressed()).toBe(2);
    const { json: confirmed } = await call('POST', '/v1/clock/confirm');
    expect(confirmed).toMatchObject({
      state: 'settled',
      ahead_seconds: expect.closeTo(0, 0),
      settles_in_seconds: null,
    });
    await served.until(async () => (await suppressed()) === 1, 'removed the second user');
    expect((await call('GET', '/v1/status')).json.queue.oldest_seconds).toBeLessThan(60);
    expect((await actionsSince('2020-01-01T00:00:00Z')).map(({ action }) => action)).toContain('confirmClock');
    expect(served.log).toContain("the machine's clock jumped");
  },
);

it.skipIf(!HAS_PROC || !HAS_FAKE_TIME)(
  'traces show the real duration of an expansion while a clock jump is not trusted',
  { timeout: 240_000, concurrent: true },
  async ({ onTestFinished }) => {
    const time = fakeTime();
    const collector = await openOtlpReceiver();
    onTestFinished(() => collector.close());
    const served = await Served.start(
      {
        ...world,
        dataDir: temporaryFolder(),
        env: {
          ...time.env,
          METAHEAC_OTLP_ENDPOINT: collector.url,
        },
        limits: { clockSettleMs: SETTLE_MS },
      },
      onTestFinished,
    );
    const state = async () => (await served.call('GET', '/v1/status')).json.clock.state;
    await served.until(async () => (await state()) === 'settled', 'believed its clock');
    time.set('+3h');
    await served.until(async () => (await state()) === 'jumped', 'saw the jump');
    await served.ended(await served.create({ features, seeds }));
    await served.until(() => collector.spans.some(({ name }) => name === 'expansion'), 'exported what the engine did');
    const seconds = collector.spans
      .filter(({ process }) => process === 'engine')
      .map((span) => (Number(span.endTimeUnixNano) - Number(span.startTimeUnixNano)) / 1e9);
    expect(Math.max(...seconds)).toBeLessThan(120);
    expect(Math.min(...seconds)).toBeGreaterThanOrEqual(0);
  },
);

it.skipIf(!HAS_PROC || !HAS_FAKE_TIME)(
  'a service runs what was queued with a clock 40 days ahead, once the clock is corrected during downtime',
  { timeout: 240_000, concurrent: true },
  async ({ onTestFinished }) => {
    const time = fakeTime();
    time.set('+40d');
    const options = { ...world, dataDir: temporaryFolder(), env: time.env };
    const served = await Served.start(options, onTestFinished);
    freeze(served.engine);
    const campaign = await served.create({ features, seeds });
    served.killGroup();
    await served.exited();
    time.set('+0');
    const next = await Served.start({ ...options, port: served.port }, onTestFinished);
    expect((await next.ended(campaign)).state).toBe('ready');
    expect((await next.call('GET', '/v1/status')).json.clock.ahead_seconds).toBeCloseTo(0, 0);
  },
);
