/** A service's sender of webhooks on a data folder, until it is killed: `node send-webhooks.ts <data folder>`. */

import { systemClock } from '../../../src/lib/clock.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { DEFAULT_SERVICE_CONFIG } from '../../../src/service/limits.ts';
import { createAddressGuard } from '../../../src/service/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../../../src/service/webhooks/dispatcher.ts';
import { openStore } from '../../../src/storage/sqlite/adapter.ts';

const clock = new ServiceClock({ system: systemClock });
const store = await openStore(process.argv[2]!, { clock, minimumSeeds: 1, leaseMs: 30_000, maximumAttempts: 3 });
await new WebhookDispatcher({
  outbox: store.outbox,
  guard: createAddressGuard(['127.0.0.1']),
  logger: createLogger('silent', 'test'),
  clock,
  config: DEFAULT_SERVICE_CONFIG,
}).start();
