/** A process that changes the global suppression list until it is killed. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/lib/clock.ts';
import { openStore } from '../../../../src/storage/sqlite/adapter.ts';

const [folder] = process.argv.slice(2);
const store = await openStore(folder!, { clock: systemClock, minimumSeeds: 1, leaseMs: 60_000, maximumAttempts: 3 });
const sets = store.userSets;
const owner = { kind: 'common_suppression' } as const;

async function replace(ids: readonly string[]): Promise<void> {
  const collected = sets.collect();
  for (const id of ids) collected.add(id);
  await sets.change(owner, 'replace', collected, { version: 'p', has: () => true }, 1_000);
  collected.close();
}

writeSync(1, 'ready\n');
for (let i = 0; ; i++) {
  if (i % 3 === 2) await sets.clear(owner);
  else await replace([`set ${i % 3}`]);
}
