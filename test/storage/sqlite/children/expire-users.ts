/** A process that adds users to the installation's suppression list and removes them as expired until it is killed. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/lib/clock.ts';
import { openStore } from '../../../../src/storage/sqlite/adapter.ts';

const [folder] = process.argv.slice(2);
const store = await openStore(folder!, { clock: systemClock, minimumSeeds: 1, leaseMs: 60_000, maximumAttempts: 3 });
const population = { version: 'p', has: () => true };

for (let i = 0; ; i++) {
  const collected = store.userSets.collect();
  collected.add('stays');
  collected.add(`user ${i}`);
  const expiries = new Map([[`user ${i}`, 1]]);
  await store.userSets.change({ kind: 'common_suppression' }, 'add', collected, population, 1_000, { expiries });
  collected.close();
  writeSync(1, 'added\n');
  await store.userSets.removeExpired(1, population);
}
