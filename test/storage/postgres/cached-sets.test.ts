/** Files of user sets in the caches of hosts, which go when the sets do. */
import { randomUUID } from 'node:crypto';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import type { SetOwner } from '../../../src/domain/user-sets.ts';
import { openDatabase } from '../../../src/storage/postgres/database/database.ts';
import { openStore } from '../../../src/storage/postgres/open-store.ts';
import { CachedSets } from '../../../src/storage/sql/cached-sets.ts';
import { LEASE_MS, manualClock } from '../../domain/contract/inputs.ts';
import { change } from '../../domain/contract/user-sets.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';
import { startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { newS3 } from '../s3/storage.ts';
import { idsOf, newNodes, openNode, replace } from '../sql/nodes.ts';

const COMMON: SetOwner = { kind: 'common_suppression' };
const WAIT = { timeout: 20_000, interval: 20 };

let server: TestS3;
beforeAll(async () => {
  server = await startOwnS3();
  stubCredentials(server);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

/** The contents of all files in a cache. */
function cached(cacheFolder: string): string[] {
  const files = readdirSync(cacheFolder, { recursive: true, withFileTypes: true });
  return files.filter((file) => file.isFile()).map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'));
}

/** Opens a store as the process of a host with this cache does. */
function newHosts() {
  const url = openMigratedPostgres();
  const blobs = `s3://${server.bucket}/test/${randomUUID()}?endpoint=${server.endpoint}`;
  return async (cacheFolder: string) => {
    const options = { clock: manualClock(), minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 };
    const { store, database } = await openStore(await url, { url: blobs, cacheFolder }, options);
    let closed: Promise<void> | null = null;
    const close = () => {
      closed ??= store.close();
      return closed;
    };
    onTestFinished(close);
    return { store, database, close };
  };
}

async function read(store: CampaignStore): Promise<string[]> {
  return [...(await store.setBlocks((await store.userSets.find(COMMON))!))].flat();
}

describeWithPostgres('the cache of a host', () => {
  it('loses the files of erased users when another host erases them', async () => {
    const open = newHosts();
    const folder = temporaryFolder();
    const [one, two] = [await open(temporaryFolder()), await open(folder)];
    await change(one.store.userSets, COMMON, 'replace', ['ann', 'bob']);
    expect(await read(two.store)).toEqual(['ann', 'bob']);
    expect(cached(folder)).toEqual(['ann\nbob\n']);
    await one.store.eraseUsers(['bob']);
    await two.database.announcements.caughtUp();
    expect(cached(folder)).toEqual([]);
    expect(await read(two.store)).toEqual(['ann']);
  });

  it('loses them at the start if no process of the host ran meanwhile', async () => {
    const open = newHosts();
    const [folder, stopped] = [temporaryFolder(), temporaryFolder()];
    const { store, close } = await open(folder);
    await change(store.userSets, COMMON, 'replace', ['ann', 'bob']);
    await read(store);
    cpSync(folder, stopped, { recursive: true });
    await store.eraseUsers(['bob']);
    await read(store);
    expect([cached(stopped), cached(folder)]).toEqual([['ann\nbob\n'], ['ann\n']]);
    await open(stopped);
    expect(cached(stopped)).toEqual([]);
    await close();
    expect(cached(folder), 'a process that ends leaves none').toEqual([]);
  });

  it('is checked at intervals, and emptied if the database does not answer for long', async () => {
    const nodes = await newNodes();
    const s3 = newS3(server);
    const folder = temporaryFolder();
    const { blobs, singles } = s3({ cacheFolder: folder });
    const node = await openNode(nodes.url, nodes.clock, blobs);
    const database = await openDatabase(nodes.url);
    const limits = { cachedSetCheckMs: 20, cachedSetUncheckedMs: 60_000 };
    const sets = await CachedSets.open(node.database, singles, limits);
    onTestFinished(() => sets.close());
    await replace(node, COMMON, ['ann', 'bob']);
    await idsOf(node, COMMON);
    expect(cached(folder)).toHaveLength(1);
    await database.run('UPDATE installation SET suppression_set = NULL');
    await database.run('DELETE FROM user_sets');
    await vi.waitUntil(() => cached(folder).length === 0, WAIT);
    sets.close();

    const impatient = await CachedSets.open(database, singles, { ...limits, cachedSetUncheckedMs: 50 });
    onTestFinished(() => impatient.close());
    await replace(node, COMMON, ['cid']);
    await idsOf(node, COMMON);
    expect(cached(folder)).toEqual(['cid\n']);
    await database.close();
    await vi.waitUntil(() => cached(folder).length === 0, WAIT);
    expect(await idsOf(node, COMMON)).toEqual(['cid']);
  });
});
