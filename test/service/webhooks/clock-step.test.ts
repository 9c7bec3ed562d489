/** A delivery in flight while the service's clock is corrected. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { createLogger } from '../../../src/lib/logging.ts';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { DEFAULT_SERVICE_CONFIG } from '../../../src/service/limits.ts';
import { createAddressGuard } from '../../../src/service/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../../../src/service/webhooks/dispatcher.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';
import { manualClock } from '../../domain/contract/inputs.ts';
import { dataFolder } from '../../fixture/folders.ts';
import { openReceiver } from '../../http/webhooks/receiver.ts';

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
