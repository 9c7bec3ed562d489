/** A process that sends feedback on one campaign until it is killed, and prints the number of acknowledged uploads. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/lib/clock.ts';
import { openStore } from '../../../../src/storage/sqlite/adapter.ts';

const [folder, id] = process.argv.slice(2);
const store = await openStore(folder!, { clock: systemClock, minimumSeeds: 1, leaseMs: 60_000, maximumAttempts: 3 });

for (let upload = 0; ; upload++) {
  const events = Array.from({ length: 600 }, (_, i) => ({
    userId: `user ${(upload * 600 + i * 7) % 100_003} of ${upload}`,
    event: i % 3 === 0 ? ('dismissal' as const) : ('click' as const),
    happenedAt: upload,
  }));
  await store.addFeedback(id!, events);
  writeSync(1, `${upload + 1}\n`);
}
