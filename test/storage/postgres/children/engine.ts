/**
 * A process that claims a job and keeps it. It prints `claimed`; at a line on its input it finishes the job, and prints
 * whether the store accepted the result.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { systemClock } from '../../../../src/lib/clock.ts';
import { openStore } from '../../../../src/storage/postgres/open-store.ts';
import { RECEIPT } from '../../../fixture/receipt.ts';

const [url, blobs, leaseMs] = process.argv.slice(2);
const locator = { url: blobs!, cacheFolder: '' };
const options = { clock: systemClock, minimumSeeds: 1, leaseMs: Number(leaseMs), maximumAttempts: 3 };
const { store } = await openStore(url!, locator, options);
const say = (line: string): number => writeSync(1, `${line}\n`);

const owner = `${process.pid}:child`;
store.cluster!.holdOwner(owner);
const job = (await store.claim(owner))!;
await store.pin(job, { modelVersion: 'm', populationVersion: 'p' });
await store.advance(job, { state: 'adapting' });
await store.advance(job, { state: 'scoring' });
say('claimed');
for await (const _ of createInterface({ input: process.stdin })) {
  const isAccepted = await store.finish(job, {
    ...{ folder: 'audiences/c/of-child', candidates: 5, populationSize: 9, timings: {}, quality: {} },
    excluded: { seeds: 3, suppressed: 0, filtered: 0 },
    computedWith: { device: 'cpu', threads: 2, batchSize: 1024 },
    receipt: RECEIPT,
  });
  say(`finished ${isAccepted}`);
  break;
}
await store.close();
