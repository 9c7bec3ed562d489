/** Dispatchers of several processes that share a store: only the leader's sends, also while the clock is corrected. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { createLogger } from '../../../src/lib/logging.ts';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { DEFAULT_SERVICE_CONFIG } from '../../../src/service/limits.ts';
import { createAddressGuard } from '../../../src/service/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../../../src/service/webhooks/dispatcher.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';
import { manualClock } from '../../domain/contract/inputs.ts';
import { dataFolder } from '../../fixture/folders.ts';
import { GivenLeadership } from '../../fixture/leadership.ts';
import { openReceiver } from '../../http/webhooks/receiver.ts';

async function open() {
  const clock = new ServiceClock({ system: manualClock() });
  const store = await openStore(dataFolder(), { clock, minimumSeeds: 1, leaseMs: 15_000, maximumAttempts: 3 });
  const receiver = await openReceiver();
  const { outbox } = store;
  const dispatchers = [0, 1].map(() => {
    const leadership = new GivenLeadership();
    const parts = { outbox, leadership, guard: createAddressGuard(['127.0.0.1']), clock };
    const logger = createLogger('silent', 'test');
    const config = { ...DEFAULT_SERVICE_CONFIG, closeGraceMs: 50 };
    return Object.assign(new WebhookDispatcher({ ...parts, logger, config }), { leadership });
  });
  onTestFinished(async () => {
    await Promise.all(dispatchers.map((one) => one.stop()));
    await receiver.close();
    await store.close();
  });
  const input = { url: receiver.url, events: ['campaign.ready' as const], description: '' };
  const { webhook } = await store.webhooks.create(input, 10, clock.now());
  await outbox.ping(webhook.id, clock.now());
  for (const one of dispatchers) one.start();
  const newest = async () => (await outbox.deliveries(webhook.id, { limit: 1 })).items[0]!;
  return { dispatchers, receiver, newest };
}

it('sends nothing until it leads, and then at once', async () => {
  const { dispatchers, receiver, newest } = await open();
  for (const one of dispatchers) one.wake();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(receiver.received).toEqual([]);
  dispatchers[1]!.leadership.give();
  await vi.waitFor(async () => expect((await newest()).state).toBe('delivered'), { timeout: 20_000 });
  expect(receiver.received).toHaveLength(1);
  expect(dispatchers.map((one) => one.counts().delivered)).toEqual([0, 1]);
});

it('records nothing if leadership is lost during an attempt, which the next leader repeats', async () => {
  const { dispatchers, receiver, newest } = await open();
  const [first, second] = dispatchers;
  receiver.answer = (response) => {
    first!.leadership.isLeader = false;
    response.writeHead(500).end();
  };
  first!.leadership.give();
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1), { timeout: 20_000 });
  await first!.stop();
  expect(await newest()).toMatchObject({ state: 'pending', attempts: 0 });
  receiver.answer = 200;
  second!.leadership.give();
  await vi.waitFor(async () => expect(await newest()).toMatchObject({ state: 'delivered', attempts: 1 }), {
    timeout: 20_000,
  });
  const [one, other] = receiver.received.map(({ headers }) => headers['webhook-id']);
  expect(other).toBe(one);
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

it.each([
  ['forward, which does not use up the time of its retries', 40 * DAY_MS, DAY_MS],
  ['forward, and at the end of its retries at the latest', 40 * DAY_MS, 3_500],
  ['back', -40 * DAY_MS, DAY_MS],
])('is retried soon after its clock goes %s', async (_, ms, webhookRetryMs) => {
  const machine = manualClock();
  const clock = new ServiceClock({ system: machine, boot: 'first', settleMs: HOUR_MS });
  const store = await openStore(dataFolder(), { clock, minimumSeeds: 1, leaseMs: 15_000, maximumAttempts: 3 });
  clock.attach(store.clock);
  const receiver = await openReceiver();
  const { outbox } = store;
  const dispatcher = new WebhookDispatcher({
    ...{ outbox, guard: createAddressGuard(['127.0.0.1']), logger: createLogger('silent', 'test'), clock },
    config: { ...DEFAULT_SERVICE_CONFIG, webhookRetryMs },
  });
  onTestFinished(async () => {
    await dispatcher.stop();
    await receiver.close();
    await store.close();
  });
  receiver.answer = (response) => {
    machine.pass(2_000.25);
    machine.jump(ms);
    clock.look();
    response.writeHead(500).end();
  };
  const { webhook } = await store.webhooks.create(
    { url: receiver.url, events: ['campaign.ready'], description: '' },
    10,
    clock.now(),
  );
  await outbox.ping(webhook.id, clock.now());
  dispatcher.wake();
  const newest = async () => (await outbox.deliveries(webhook.id, { limit: 1 })).items[0]!;
  await vi.waitFor(async () => expect((await newest()).attempts).toBe(1), { timeout: 20_000 });
  expect((await newest()).state).toBe('pending');
  const delayMs = (await newest()).nextAttemptAt! - clock.now();
  expect(delayMs).toBeGreaterThan(1_000);
  expect(delayMs).toBeLessThan(Math.min(10_000, webhookRetryMs - 1_500));
});
