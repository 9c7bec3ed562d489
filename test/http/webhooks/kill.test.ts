/** A sender is killed with -9 during a call to a receiver: the next sender sends the same event again. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { CAMPAIGN_EVENTS } from '../../../src/domain/webhook-types.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { openReceiver } from './receiver.ts';

const CHILD = fileURLToPath(new URL('../children/send-webhooks.ts', import.meta.url));

it('sends again what was being sent, with the same webhook-id and body', async () => {
  const folder = temporaryFolder();
  const receiver = await openReceiver();
  const store = await openStore(folder, { clock: systemClock, minimumSeeds: 1, leaseMs: 1000, maximumAttempts: 3 });
  const input = { url: receiver.url, events: CAMPAIGN_EVENTS, description: '' };
  const { webhook } = await store.webhooks.create(input, 1, systemClock.now());
  await store.outbox.ping(webhook.id, systemClock.now());
  const run = () => spawn(process.execPath, [CHILD, folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  const received = (count: number) =>
    vi.waitFor(() => expect(receiver.received.length).toBe(count), { timeout: 20_000, interval: 10 });
  const newest = async () => (await store.outbox.deliveries(webhook.id, { limit: 1 })).items[0];

  receiver.answer = () => {}; // holds the call
  const first = run();
  await received(1);
  const ended = new Promise((resolve) => first.on('close', (_code, signal) => resolve(signal)));
  first.kill('SIGKILL');
  expect(await ended).toBe('SIGKILL');
  expect(await newest()).toMatchObject({ state: 'pending', attempts: 0 });

  receiver.answer = 200;
  const second = run();
  await received(2);
  await vi.waitFor(async () => expect(await newest()).toMatchObject({ state: 'delivered', attempts: 1 }), {
    timeout: 20_000,
  });
  second.kill('SIGKILL');
  const [one, two] = receiver.received;
  expect([two!.headers['webhook-id'], two!.body]).toEqual([one!.headers['webhook-id'], one!.body]);
  await store.close();
  await receiver.close();
}, 60_000);
