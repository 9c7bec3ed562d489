/** A sender is killed ten times while destinations receive versions: nothing is missing, nothing is there twice. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ACTIVE_FILE, type DeliveryManifest, MANIFEST_FILE } from '../../../src/domain/destinations.ts';
import type { BlobFiles } from '../../../src/domain/ports/blob-files.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openFolderFiles, openLocationFiles } from '../../../src/storage/open-store.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { startOwnS3, stubCredentials } from '../../fixture/s3.ts';
import { importUsers, openFixture } from '../fixture.ts';

const CHILD = fileURLToPath(new URL('../children/deliver.ts', import.meta.url));
const KILLS = 10;
const SIZES_PER_KILL = 3;
const FIRST_SIZE = 50;

it('completes and repeats no version although it is killed ten times', async () => {
  const root = temporaryFolder();
  const s3 = await startOwnS3();
  onTestFinished(() => s3.close());
  stubCredentials(s3);
  const allowedHosts = ['127.0.0.1'];
  const { call, createReady, dataDir, population } = await openFixture(
    await importUsers(),
    {},
    {
      destinationsRoot: root,
      allowedHosts,
    },
  );
  const create = async (place: object) =>
    (await call('POST', '/v1/destinations', { name: 'x', format: 'csv', ...place })).json.id as string;
  const ids = [
    await create({ kind: 'folder', path: 'full' }),
    await create({ kind: 'folder', path: 'deltas', mode: 'deltas' }),
    await create({ kind: 's3', bucket: s3.bucket, endpoint: s3.endpoint }),
  ];
  const campaign = await createReady();
  const start = async () => {
    const child = spawn(process.execPath, [CHILD, dataDir, population.path, root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    return child;
  };
  const pending = async () => {
    const lists = await Promise.all(ids.map((id) => call('GET', `/v1/destinations/${id}/deliveries?limit=100`)));
    return lists.flatMap(({ json }) => json.items).filter(({ state }) => state !== 'delivered');
  };

  let size = FIRST_SIZE;
  let interrupted = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    for (let i = 0; i < SIZES_PER_KILL; i++)
      await call('PATCH', `/v1/campaigns/${campaign}`, { audience: { size: ++size } });
    const child = await start();
    await sleep(12 * kill);
    child.kill('SIGKILL');
    await once(child, 'close');
    interrupted += (await pending()).length > 0 ? 1 : 0;
  }
  expect(interrupted).toBeGreaterThan(0);
  const last = await start();
  await vi.waitFor(async () => expect(await pending()).toEqual([]), { timeout: 60_000, interval: 50 });
  last.kill('SIGKILL');

  const whole = (await call('GET', `/v1/campaigns/${campaign}/audience`, undefined, { accept: 'text/csv' })).text;
  const lines = whole.split('\r\n').slice(1, -1);
  const versions = 1 + KILLS * SIZES_PER_KILL;
  const url = `s3://${s3.bucket}?endpoint=${s3.endpoint}`;
  const bucket = await openLocationFiles(url, { clock: systemClock, credentials: s3.credentials });
  const listed = async () => (await bucket.list('')).map(({ name }) => name);
  for (const [files, list] of [
    [openFolderFiles(`${root}/full`), async () => namesIn(`${root}/full`)],
    [bucket, listed],
  ] as const) {
    const found = await readAll(files, campaign, versions, list);
    for (const [i, { rows }] of found.entries()) expect(rows).toEqual(lines.slice(0, FIRST_SIZE + i));
  }
  const deltas = await readAll(openFolderFiles(`${root}/deltas`), campaign, versions, async () =>
    namesIn(`${root}/deltas`),
  );
  let members: string[] = [];
  for (const { manifest, rows } of deltas) {
    const added = rows.filter((row) => !row.startsWith('removed,'));
    members = manifest.kind === 'full' ? added : [...members, ...added];
  }
  expect(deltas.filter(({ manifest }) => manifest.kind === 'delta').length).toBe(versions - 1);
  expect(members).toHaveLength(size);
  expect(new Set(members).size).toBe(size);
}, 240_000);

/** Reads all versions of a destination, whose files must be exactly those that the manifests name. */
async function readAll(files: BlobFiles, campaign: string, versions: number, list: () => Promise<readonly string[]>) {
  const names = new Set([`${campaign}/${ACTIVE_FILE}`]);
  const read = async (name: string) => (await files.find(name))!.data;
  const found: { readonly manifest: DeliveryManifest; readonly rows: readonly string[] }[] = [];
  for (let version = 1; version <= versions; version++) {
    const folder = `${campaign}/${version}`;
    names.add(`${folder}/${MANIFEST_FILE}`);
    const manifest = JSON.parse(Buffer.from(await read(`${folder}/${MANIFEST_FILE}`)).toString()) as DeliveryManifest;
    const rows: string[] = [];
    for (const { name, sha256 } of manifest.files) {
      names.add(`${folder}/${name}`);
      const bytes = await read(`${folder}/${name}`);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      rows.push(...Buffer.from(bytes).toString().split('\r\n').slice(1, -1));
    }
    expect(rows).toHaveLength(manifest.rows);
    found.push({ manifest, rows });
  }
  expect(new Set(await list())).toEqual(names);
  expect(JSON.parse(Buffer.from(await read(`${campaign}/${ACTIVE_FILE}`)).toString())).toEqual({ version: versions });
  return found;
}

/** All files below a folder, including hidden ones. */
function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}
