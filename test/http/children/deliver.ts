/**
 * A service's sender of deliveries on a data folder, until it is killed:
 * `node deliver.ts <data folder> <population> <root of destinations>`. Says `ready` before it sends.
 */
import { join } from 'node:path';
import { RankingCache } from '../../../src/audience/ranking-cache.ts';
import { RANKING_READS } from '../../../src/audience/reads.ts';
import { StreamEncoder } from '../../../src/audience/stream/stream-encoder.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLogger } from '../../../src/lib/logging.ts';
import { ServiceClock } from '../../../src/lib/service-clock.ts';
import { openPopulation } from '../../../src/population/read.ts';
import { DestinationWriter } from '../../../src/service/destinations/destination-writer.ts';
import { DEFAULT_SERVICE_CONFIG } from '../../../src/service/limits.ts';
import { createAddressGuard } from '../../../src/service/webhooks/address-guard.ts';
import { WebhookDispatcher } from '../../../src/service/webhooks/dispatcher.ts';
import { openStore } from '../../../src/storage/sqlite/open-store.ts';

const [, , folder = '', populationFolder = '', root = ''] = process.argv;
// small parts, so that a version takes many writes
const config = { ...DEFAULT_SERVICE_CONFIG, destinationPartRows: 10, webhookPollMs: 20 };
const clock = new ServiceClock({ system: systemClock });
const store = await openStore(folder, { clock, minimumSeeds: 1, leaseMs: 30_000, maximumAttempts: 3 });
const guard = createAddressGuard(['127.0.0.1']);
const destinations = new DestinationWriter({
  ...{ store, guard, clock, config, root, reads: RANKING_READS, encoder: new StreamEncoder() },
  population: openPopulation(populationFolder),
  rankings: new RankingCache(store.blobs, { openRankings: 4, memoryBytes: 1024 }),
  scratch: join(folder, 'deliveries'),
});
const logger = createLogger('silent', 'test');
const dispatcher = new WebhookDispatcher({ outbox: store.outbox, guard, destinations, logger, clock, config });
process.stdout.write('ready\n', () => dispatcher.start());
