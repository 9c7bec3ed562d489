/** Dispatchers of several processes that share a store: only the leader's sends. */
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
