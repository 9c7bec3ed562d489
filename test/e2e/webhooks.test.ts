/**
 * Webhooks of a whole service: its engine ends expansions, a receiver on loopback is told, and the service stops while
 * it holds a call.
 */
import { join } from 'node:path';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { openReceiver } from '../http/webhooks/receiver.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

it.skipIf(!HAS_PROC)(
  'a service reports how expansions end, and stops within its time limit',
  { timeout: 120_000 },
  async () => {
    const folder = temporaryFolder();
    const receiver = await openReceiver();
    try {
      const env = { METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1', METAHEAC_CLOSE_GRACE_MS: '500' };
      const served = await Served.start({ ...world, dataDir: join(folder, 'data'), env });
      const webhook = (await served.call('POST', '/v1/webhooks', { url: receiver.url })).json;
      const { features, seeds } = campaign;
      const ready = await served.create({ features, seeds });
      await served.until(() => receiver.received.length === 1, 'told of the audience');
      const small = await served.create({ features, seeds: seeds.slice(0, 3) });
      await served.until(() => receiver.received.length === 2, 'told of too few seeds');
      const told = receiver.received.map(
        ({ body, headers }) => new Webhook(webhook.secret).verify(body, headers as Record<string, string>) as object,
      );
      expect(told).toEqual([
        expect.objectContaining({ type: 'campaign.ready', data: expect.objectContaining({ campaign_id: ready }) }),
        expect.objectContaining({ type: 'campaign.too_small', data: expect.objectContaining({ campaign_id: small }) }),
      ]);

      receiver.answer = () => {};
      await served.call('POST', `/v1/webhooks/${webhook.id}/ping`);
      await served.until(() => receiver.received.length === 3, 'sent the ping');
      process.kill(served.api, 'SIGTERM');
      const { code, seconds } = await served.exited();
      expect(code).toBe(0);
      expect(seconds).toBeLessThan(10);
    } finally {
      await receiver.close();
    }
  },
);
