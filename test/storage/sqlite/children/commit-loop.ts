/** A process that creates and expands campaigns until it is killed, and prints each change once it is acknowledged. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/lib/clock.ts';
import { openStore } from '../../../../src/storage/sqlite/adapter.ts';
import { RECEIPT } from '../../../fixture/receipt.ts';

const store = await openStore(process.argv[2]!, {
  clock: systemClock,
  minimumSeeds: 1,
  leaseMs: 60_000,
  maximumAttempts: 3,
});
const say = (line: string): number => writeSync(1, `${line}\n`);

for (let i = 0; i < 100_000; i++) {
  const seeds = [`seed ${i}`, 'two\nlines'];
  const { id } = await store.create(
    { name: `c${i}`, features: {}, featureCounts: { unknown: 0, missing: 0 }, seeds, audience: { size: 1 } },
    () => true,
  );
  say(`created ${id} ${i}`);
  if (i % 3 !== 0) continue;
  const job = await store.claim(`${process.pid}:loop`);
  if (job === null) continue;
  say(`claimed ${job.campaignId} ${job.attempt}`);
  await store.pin(job, { modelVersion: 'm', populationVersion: 'p' });
  await store.advance(job, { state: 'adapting', progress: 0.25 });
  await store.advance(job, { state: 'scoring', progress: 0.5 });
  say(`scoring ${job.campaignId} 0.5`);
  if (i % 2 === 0) continue;
  await store.finish(job, {
    folder: `audiences/${job.campaignId}`,
    candidates: 5,
    populationSize: 9,
    excluded: { seeds: 3, suppressed: 0, filtered: 0 },
    timings: {},
    computedWith: { device: 'cpu', threads: 2, batchSize: 1024 },
    quality: {},
    receipt: RECEIPT,
  });
  say(`finished ${job.campaignId} 1`);
}
