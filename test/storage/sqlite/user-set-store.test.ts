/** User sets in SQLite: none is lost or left behind, whatever other processes do and whenever they are killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { userSetBlocks, userSetFile } from '../../../src/storage/files/set-file.ts';
import { openReader } from '../../../src/storage/sqlite/database/database.ts';
import { everyoneIsKnown, newCampaign } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { size } from '../../fixture/size.ts';
import { migratedDataFolder } from './data-folder.ts';

const EVERYONE = { version: 'p', has: () => true };

interface Running {
  readonly child: ChildProcess;
  /** Everything that it has printed, from its first byte on. */
  output(): string;
}

/** Starts a script and waits for its first output. */
async function start(script: string, ...args: readonly string[]): Promise<Running> {
  const path = fileURLToPath(new URL(`./children/${script}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout!.on('data', (data: Buffer) => {
    output += data.toString();
  });
  await once(child.stdout!, 'data');
  return { child, output: () => output };
}

function recordedIn(folder: string): string[] {
  const database = openReader(join(folder, 'metaheac.db'));
  try {
    return database.prepare('SELECT sha256 FROM user_sets ORDER BY sha256').pluck().all() as string[];
  } finally {
    database.close();
  }
}

/** Checks that every set with a row has an intact file. A row may go after it was read, and then its file goes too. */
async function expectWhole(folder: string): Promise<void> {
  const blobs = new FileBlobs(folder);
  for (const name of recordedIn(folder)) {
    try {
      for (const _ of await userSetBlocks(blobs, name));
    } catch (error) {
      if (recordedIn(folder).includes(name)) throw error;
    }
  }
}

describe('user sets of two processes', () => {
  it('never lose a file, and lose leftovers at a start', { timeout: 60_000 }, async () => {
    const { folder, open } = migratedDataFolder();
    const store = await open();
    const { id } = await store.create(newCampaign(), everyoneIsKnown);
    const owner: SetOwner = { kind: 'suppression', campaignId: id };
    for (let round = 0; round < size(2, 3); round++) {
      const { child } = await start('change-sets.ts', folder);
      for (let i = 0; i < size(25, 60); i++) {
        await change(store.userSets, owner, 'replace', [`set ${i % 2}`]);
        await expectWhole(folder);
        if (i % 5 === 0) await store.userSets.clear(owner);
      }
      child.kill('SIGKILL');
      await once(child, 'close');
      await store.removeLeftovers();
      expect(readdirSync(join(folder, 'seeds')).sort()).toEqual(recordedIn(folder).map(userSetFile));
    }
  });
});

describe('users who expire in a process that is killed', () => {
  it('leave the list, the expiries, the audit log and the events in agreement', { timeout: 60_000 }, async () => {
    const { folder, open } = migratedDataFolder();
    const store = await open();
    const hook = { url: 'https://example.com/', events: ['suppression.expired' as const], description: '' };
    await store.webhooks.create(hook, 1, Date.now());
    let acknowledged = 0;
    const rounds = size(3, 10);
    for (let round = 0; round < rounds; round++) {
      const { child, output } = await start('expire-users.ts', folder);
      await sleep(200 + 31 * round);
      child.kill('SIGKILL');
      await once(child, 'close');
      acknowledged += output().match(/added\n/g)?.length ?? 0;
      const { users, expiring } = await store.userSets.report({ kind: 'common_suppression' }, EVERYONE);
      expect(users - expiring!.users).toBe(1);
      await store.userSets.removeExpired(1, EVERYONE);
    }
    const { items } = await store.audit.list({ limit: 100_000 });
    const removed = items.filter(({ action }) => action === 'expireListEntries').length;
    expect((await store.outbox.due(Date.now(), 100_000)).length).toBe(removed);
    // the last addition of a round may not have been acknowledged
    expect(removed).toBeGreaterThanOrEqual(acknowledged);
    expect(removed).toBeLessThanOrEqual(acknowledged + rounds);
  });
});
