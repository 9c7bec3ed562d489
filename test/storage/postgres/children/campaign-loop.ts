/**
 * A process that creates campaigns, takes their jobs and ends them in several ways, until it is killed. It prints a
 * line after each round.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/lib/clock.ts';
import { openStore } from '../../../../src/storage/postgres/open-store.ts';
import { everyoneIsKnown, expand, newCampaign } from '../../../domain/contract/inputs.ts';

const [url, blobs] = process.argv.slice(2);
const options = { clock: systemClock, minimumSeeds: 1, leaseMs: 12_000, maximumAttempts: 3 };
const { store } = await openStore(url!, { url: blobs!, cacheFolder: '' }, options);
const owner = `${process.pid}:child`;
const reason = { code: 'storage_failed', message: 'the disk is full' };

for (let round = 0; ; round++) {
  const { id } = await store.create(newCampaign(), everyoneIsKnown);
  await store.expand(id);
  const job = await store.claim(owner);
  if (job !== null && round % 3 === 0) await expand(store, job);
  else if (job !== null && round % 3 === 1) await store.retryLater(job, reason, 0);
  else await store.delete(id);
  writeSync(1, `${round}\n`);
}
