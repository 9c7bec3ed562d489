/** A whole store moves from a data folder to Postgres and object storage, and back, and nothing is lost. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { migrateStoreCommand } from '../../../src/cli/commands/upkeep/migrate-store.ts';
import { verifyCommand } from '../../../src/cli/commands/upkeep/verify.ts';
import { pauseMs } from '../../../src/domain/expansions.ts';
import type { CampaignStore, StoreLocator } from '../../../src/domain/ports/store.ts';
import { SEED_FOLDER } from '../../../src/storage/files/set-file.ts';
import { NOT_COPIED, TABLES } from '../../../src/storage/migrate/tables.ts';
import { locateSharedStore, locateStore, lockStore, migrateStore, openStore } from '../../../src/storage/open-store.ts';
import { openDatabase } from '../../../src/storage/postgres/database/database.ts';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { LEASE_MS, type ManualClock, manualClock, newCampaign } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { changeBehindSums } from '../sqlite/change-behind-sums.ts';
import { fill, ODD, sumsOf } from './filled-store.ts';
import { rowsOf, withoutHalves } from './stored-rows.ts';

const COPY = join(import.meta.dirname, 'children/copy.ts');

let server: TestS3;
let source: string;
let made: Record<string, string>;
let clock: ManualClock;

const opened: CampaignStore[] = [];
async function open(locator: StoreLocator): Promise<CampaignStore> {
  const store = await openStore(locator, { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 });
  opened.push(store);
  return store;
}
async function closeAll(): Promise<void> {
  for (const store of opened.splice(0)) await store.close();
}

async function newCluster(): Promise<StoreLocator> {
  const url = `s3://${server.bucket}/test/${randomUUID()}?endpoint=${server.endpoint}`;
  return locateSharedStore(await openPostgres(), { url, cacheFolder: temporaryFolder() });
}

const newFolder = () => join(temporaryFolder(), 'data');

/** All campaigns, but the one whose seeds have half a surrogate pair. */
async function campaignsOf(store: CampaignStore) {
  return (await store.list({ limit: 50 })).items.filter(({ id }) => id !== made['queued']);
}

/** Copies in another process, which is killed when it reports `end`. */
async function copyUntil(end: string, from: StoreLocator, to: StoreLocator): Promise<void> {
  const child = spawn(process.execPath, [COPY, JSON.stringify([from, to, end])], { stdio: 'inherit' });
  const [, signal] = await once(child, 'exit');
  expect([end, signal]).toEqual([end, 'SIGKILL']);
  // Postgres keeps the lock of a killed process until it notices
  for (const { adapter, location } of [from, to]) if (adapter === 'postgres') await untilUnlocked(location);
}

async function untilUnlocked(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const locks = `SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
       WHERE locktype = 'advisory' AND datname = current_database()`;
    await expect.poll(async () => (await client.query(locks)).rowCount, { timeout: 10_000 }).toBe(0);
  } finally {
    await client.end();
  }
}

describeWithPostgres('migrate-store', () => {
  beforeAll(async () => {
    server = await startOwnS3();
    stubCredentials(server);
    source = newFolder();
    clock = manualClock();
    made = await fill(await open(locateStore(source)), clock);
    await closeAll();
  }, 60_000);
  afterEach(closeAll);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.close();
  });

  itUsual('lists every table of both schemas', async () => {
    const database = await openDatabase(await openPostgres());
    const rows = await database.all<{ readonly name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'`,
    );
    await database.close();
    const sqlite = connect(join(source, 'metaheac.db'), { readonly: true });
    const names = sqlite.prepare(`SELECT name FROM sqlite_master WHERE type = 'table'`).pluck().all() as string[];
    sqlite.close();
    const listed = [...TABLES.map(({ name }) => name), ...Object.keys(NOT_COPIED)];
    expect(listed.sort()).toEqual([...new Set([...names, ...rows.map(({ name }) => name)])].sort());
  });

  itUsual('has a test store with rows in every table', () => {
    const empty = Object.entries(rowsOf(source)).filter(([, rows]) => rows.length === 0);
    // times and their corrections are recorded by a service
    expect(empty.map(([name]) => name)).toEqual(['clock', 'clock_used', 'clock_steps']);
  });

  itUsual('moves all rows and blobs to a cluster, and back', async () => {
    const [cluster, back] = [await newCluster(), newFolder()];
    const before = rowsOf(source);
    const report = await migrateStore(locateStore(source), cluster);
    expect(report).toMatchObject({ blobs: { rankings: 2 } });
    expect(rowsOf(source)).toEqual(before);
    expect(await migrateStore(cluster, locateStore(back))).toMatchObject({
      tables: report.tables.map(({ table, rows }) => ({ table, rows })),
    });
    expect(rowsOf(back)).toEqual(withoutHalves(before));
    expect(
      readdirSync(back)
        .filter((name) => !/^(metaheac.db|store-.*\.json)/.test(name))
        .sort(),
    ).toEqual(['audiences', 'seeds', 'service.lock']);
    const [one, two, three] = [await open(locateStore(source)), await open(cluster), await open(locateStore(back))];
    const { folder } = await one.activeAudience(made['ready']!);
    for (const name of [SEED_FOLDER, folder]) {
      expect(Object.keys(await sumsOf(one, name)).length).toBeGreaterThan(1);
      expect(await sumsOf(two, name)).toEqual(await sumsOf(one, name));
      expect(await sumsOf(three, name)).toEqual(await sumsOf(one, name));
    }
    for (const store of [two, three]) {
      expect(await store.get(made['ready']!)).toEqual(await one.get(made['ready']!));
      expect((await store.get(made['ready']!)).name).toBe(ODD);
      expect(await store.activeAudience(made['ready']!)).toEqual(await one.activeAudience(made['ready']!));
      expect(await campaignsOf(store)).toEqual(await campaignsOf(one));
    }
  });

  itUsual('lets the queue go on at once, and gives new rows new numbers', async () => {
    const [cluster, back] = [await newCluster(), newFolder()];
    await migrateStore(locateStore(source), cluster);
    await migrateStore(cluster, locateStore(back));
    for (const locator of [cluster, locateStore(back)]) {
      const store = await open(locator);
      if (store.cluster === null) await store.releaseAll();
      // work that its engine was doing when it died waits for a moment
      clock.pass(pauseMs(1));
      const claimed = [(await store.claim('2:e'))!, (await store.claim('2:e'))!];
      expect(claimed.map(({ campaignId }) => campaignId).sort()).toEqual([made['scoring'], made['queued']].sort());
      expect(claimed.find(({ campaignId }) => campaignId === made['scoring'])!.token).toBe(2);
      const { nextCursor } = await store.list({ limit: 1 });
      const { id } = await store.create(newCampaign(), () => true);
      expect((await store.list({ limit: 1 })).items[0]!.id).toBe(id);
      expect(nextCursor).not.toBeNull();
      await store.audit.record({
        action: {
          actor: 'x',
          address: null,
          action: 'a',
          resource: null,
          resourceId: null,
          status: 1,
          requestId: null,
        },
        isRecorded: false,
      });
      expect((await store.audit.list({ limit: 100 })).items.at(-1)!.actor).toBe('x');
    }
  });

  itUsual('is found intact by verify on both sides', async () => {
    const [cluster, back] = [await newCluster(), newFolder()];
    const lines: string[] = [];
    const output = { result: (line: string) => void lines.push(line), note: () => {}, progress: () => {} };
    const places = { blobs: cluster.blobs!.url, cache: temporaryFolder() };
    await migrateStoreCommand(source, cluster.location, places, output);
    expect(lines.at(-1)).toMatch(/^\d+ rows in \d+ tables, \d+ user sets, 2 rankings, .*: all were compared/);
    await migrateStoreCommand(cluster.location, back, places, output);
    const reports = [];
    for (const store of [source, back, { store: cluster.location, ...places }]) {
      await verifyCommand(store, { json: true }, output);
      const { faults, orphans, sets } = JSON.parse(lines.at(-1)!);
      reports.push({ faults, orphans, sets });
    }
    process.exitCode = undefined;
    expect(reports).toEqual([1, 2, 3].map(() => ({ faults: [], orphans: [], sets: 8 })));
  });

  it.runIf(IS_LONG).each(['to a cluster', 'to a folder'])(
    'begins anew after it was killed: %s',
    async (where) => {
      let [from, to] = [locateStore(source), await newCluster()];
      if (where === 'to a folder') {
        await migrateStore(from, to);
        [from, to] = [to, locateStore(newFolder())];
      }
      for (const end of ['user_sets', 'rows: feedback', 'copied 1 of', 'copied 5 of']) {
        await copyUntil(end, from, to);
        if (to.adapter === 'sqlite') expect(existsSync(to.location)).toBe(false);
        else await expect(open(to)).rejects.toThrow('an unfinished copy of another store');
      }
      await migrateStore(from, to);
      const back = to.adapter === 'sqlite' ? to : locateStore(newFolder());
      if (back !== to) await migrateStore(to, back);
      expect(rowsOf(back.location)).toEqual(withoutHalves(rowsOf(source)));
    },
    120_000,
  );

  it.runIf(IS_LONG)(
    'refuses a target with anything in it, and stores that are in use',
    async () => {
      const [full, folder] = [await newCluster(), newFolder()];
      await migrateStore(locateStore(source), full);
      const copy = (from: StoreLocator, to: StoreLocator) => migrateStore(from, to);
      await expect(copy(locateStore(source), full)).rejects.toThrow(
        'the database is not empty: it has rows in user_sets',
      );
      const besideSets = { ...(await newCluster()), blobs: full.blobs! };
      await expect(copy(locateStore(source), besideSets)).rejects.toThrow('the object storage is not empty');
      await expect(copy(full, locateStore(source))).rejects.toThrow('is not empty: choose an empty or new folder');
      const release = await lockStore(locateStore(source));
      await expect(copy(locateStore(source), await newCluster())).rejects.toThrow(
        'is in use by another metaheac serve',
      );
      release();
      const node = await open(full);
      const member = { id: 'n', kind: 'node' as const, host: 'h1', release: '1', isReady: true };
      await node.cluster!.heartbeat(member, 15_000);
      await expect(copy(full, locateStore(folder))).rejects.toThrow(/the cluster is in use .*node on h1/);
      await node.cluster!.leave('n');
      await closeAll();
      mkdirSync(`${folder}.partial`);
      writeFileSync(join(`${folder}.partial`, 'notes'), '');
      await expect(copy(full, locateStore(folder))).rejects.toThrow('is not an interrupted copy');
      const [begun, other] = [await newCluster(), newFolder()];
      await open(locateStore(other));
      await closeAll();
      await copyUntil('audit_log', locateStore(source), begun);
      await expect(copy(locateStore(other), begun)).rejects.toThrow('an unfinished copy of another store');
      await expect(copy(begun, locateStore(newFolder()))).rejects.toThrow('an unfinished copy of another store');
    },
    60_000,
  );

  it.runIf(IS_LONG)(
    'names damaged blobs and rows, and leaves nothing of a folder',
    async () => {
      const [damaged, back, cluster] = [newFolder(), newFolder(), await newCluster()];
      cpSync(source, damaged, { recursive: true });
      const [first, second] = readdirSync(join(damaged, SEED_FOLDER)).sort() as [string, string];
      writeFileSync(join(damaged, SEED_FOLDER, first), 'other\n');
      rmSync(join(damaged, SEED_FOLDER, second));
      const { message } = await migrateStore(locateStore(damaged), cluster).then(
        () => new Error('complete'),
        (error: Error) => error,
      );
      expect(message).toContain(`seeds/${first}: the source is damaged`);
      expect(message).toMatch(new RegExp(`seeds/${second}: [^;]*ENOENT`));
      await expect(open(cluster)).rejects.toThrow('an unfinished copy');
      cpSync(join(source, SEED_FOLDER), join(damaged, SEED_FOLDER), { recursive: true });
      await migrateStore(locateStore(damaged), cluster);
      await migrateStore(cluster, locateStore(back));
      changeBehindSums(join(back, 'metaheac.db'), ['campaigns', 'name'], ['failed', 'Failed']);
      await expect(migrateStore(locateStore(back), await newCluster())).rejects.toThrow(
        /row .* of campaigns is damaged/,
      );
    },
    60_000,
  );
});
