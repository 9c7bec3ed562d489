/** The store of a cluster is backed up while nodes and engines use it. */
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  type BackupCommandOptions,
  backupClusterCommand,
  restoreCommand,
} from '../../../src/cli/commands/upkeep/backup.ts';
import type { CampaignStore, StoreLocator } from '../../../src/domain/ports/store.ts';
import { SEED_FOLDER } from '../../../src/storage/files/set-file.ts';
import { locateSharedStore, locateStore, migrateStore, openStore } from '../../../src/storage/open-store.ts';
import { LEASE_MS, type ManualClock, manualClock } from '../../domain/contract/inputs.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { FaultyGate } from '../s3/faulty-gate.ts';
import { fill } from './filled-store.ts';
import { rowsOf, withoutHalves } from './stored-rows.ts';

let server: TestS3;
let gate: FaultyGate;
let source: string;
let made: Record<string, string>;
let clock: ManualClock;
/** A cluster with the rows and blobs of `source`, whose object storage is behind the gate. */
let cluster: StoreLocator;

const newFolder = () => join(temporaryFolder(), 'data');

const opened: CampaignStore[] = [];
async function open(locator: StoreLocator): Promise<CampaignStore> {
  const store = await openStore(locator, { clock, minimumSeeds: 2, leaseMs: LEASE_MS, maximumAttempts: 3 });
  opened.push(store);
  return store;
}

async function backUp(out: string, options: Partial<BackupCommandOptions> = {}): Promise<Record<string, unknown>> {
  const lines: string[] = [];
  const output = { result: (line: string) => void lines.push(line), note: () => {}, progress: () => {} };
  const places = { store: cluster.location, blobs: cluster.blobs!.url, cache: temporaryFolder() };
  await backupClusterCommand(places, { out, json: true, ...options }, clock, output);
  return JSON.parse(lines.at(-1)!) as Record<string, unknown>;
}

async function restored(out: string): Promise<string> {
  const to = newFolder();
  await restoreCommand(out, { to }, { result: () => {}, note: () => {}, progress: () => {} });
  return to;
}

describeWithPostgres('a backup of a cluster', () => {
  beforeAll(async () => {
    server = await startOwnS3();
    stubCredentials(server);
    gate = await FaultyGate.start(server.endpoint);
    clock = manualClock();
    source = newFolder();
    const store = await open(locateStore(source));
    made = await fill(store, clock);
    await opened.pop()!.close();
    const url = `s3://${server.bucket}/test/backup?endpoint=${gate.endpoint}`;
    cluster = locateSharedStore(await openPostgres(), { url, cacheFolder: temporaryFolder() });
    await migrateStore(locateStore(source), cluster);
  }, 60_000);
  afterEach(async () => {
    gate.faultOf = () => null;
    for (const store of opened.splice(0)) await store.close();
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await gate.close();
    await server.close();
  });

  it('is made while a node runs, and is restored with all rows and files', async () => {
    const out = newFolder();
    const node = await open(cluster);
    await node.cluster!.heartbeat({ id: 'n', kind: 'node', host: 'h', release: '1', isReady: true }, 15_000);
    expect(await backUp(out)).toMatchObject({ out, database_copies: 1, population: null });
    expect(readdirSync(dirname(out))).toEqual([basename(out)]);
    const folder = await restored(out);
    expect(rowsOf(folder)).toEqual(withoutHalves(rowsOf(source)));
    const again = await open(locateStore(folder));
    expect(await again.activeAudience(made['ready']!)).toEqual(await node.activeAudience(made['ready']!));
  });

  it('refuses a folder with anything in it, and a population', async () => {
    const out = temporaryFolder();
    writeFileSync(join(out, 'file'), '');
    await expect(backUp(out)).rejects.toThrow('is not empty');
    await expect(backUp(newFolder(), { withPopulation: out })).rejects.toThrow('population pull');
  });

  it('begins again if a campaign is deleted with its files meanwhile', async () => {
    const out = newFolder();
    const node = await open(cluster);
    const { folder } = await node.activeAudience(made['ready']!);
    let deletion: Promise<unknown> | null = null;
    gate.faultOf = async ({ method, url }) => {
      // the deletion itself reads the manifest of the folder
      if (method !== 'GET' || !url.includes(folder) || deletion !== null) return null;
      deletion = node.delete(made['ready']!);
      await deletion;
      return null;
    };
    expect(await backUp(out)).toMatchObject({ database_copies: 2 });
    const again = await open(locateStore(await restored(out)));
    await expect(again.get(made['ready']!)).rejects.toThrow('there is no campaign');
    expect((await again.get(made['queued']!)).state).toBe('queued');
  });

  it('leaves nothing behind if a file of the cluster is missing, and names it', async () => {
    const out = newFolder();
    const { blobs } = await open(cluster);
    const [file] = await blobs.list(SEED_FOLDER);
    await blobs.deleteFile(SEED_FOLDER, file!);
    await expect(backUp(out)).rejects.toThrow(`because of these blobs: ${SEED_FOLDER}/${file}`);
    expect(readdirSync(dirname(out))).toEqual([]);
  });
});
