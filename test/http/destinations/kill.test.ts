/** Services are killed while destinations receive versions: nothing is missing, and nothing is there twice. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ACTIVE_FILE, type DeliveryManifest, MANIFEST_FILE } from '../../../src/domain/destinations.ts';
import type { BlobFiles } from '../../../src/domain/ports/blob-files.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { openFolderFiles, openLocationFiles } from '../../../src/storage/open-store.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres, openMigratedPostgres } from '../../fixture/postgres.ts';
import { HAS_PROC } from '../../fixture/processes.ts';
import { startOwnS3, stubCredentials } from '../../fixture/s3.ts';
import { Served, type ServeOptions } from '../../fixture/served.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';

const KILLS = 10;
/** From the answers until a kill, in milliseconds: this much longer at each. */
const LATER_MS = 6;
const SIZES_PER_KILL = 3;
const FIRST_SIZE = 50;
const RESIZES_IN_CLUSTER = 30;
/** Small parts, so that a version takes many writes. */
const limits = { destinationPartRows: 10, webhookPollMs: 20 };
/** A version that is removed before it was written cannot be delivered. */
const KEEPING_ALL = { METAHEAC_RETAINED_VERSIONS: '100' };
const WITHIN = { timeout: 60_000, interval: 50 };

const world = await tinyWorld();
const campaign = world.campaigns[0]!;

/** Starts a service and waits until it answers. Its engine, which makes no deliveries, need not be ready. */
async function startAnswering(options: ServeOptions): Promise<Served> {
  const served = await Served.spawn(options);
  await served.until(async () => (await served.call('GET', '/livez')).status === 200, 'answers');
  return served;
}

/** The destinations of a service that is killed and started again. */
class Deliveries {
  served: Served;
  readonly #ids: string[] = [];
  #size = FIRST_SIZE;

  constructor(served: Served) {
    this.served = served;
  }

  async create(place: object): Promise<void> {
    const { json } = await this.served.call('POST', '/v1/destinations', { name: 'x', format: 'csv', ...place });
    this.#ids.push(json.id);
  }

  async all() {
    const lists = this.#ids.map((id) => this.served.call('GET', `/v1/destinations/${id}/deliveries?limit=100`));
    return (await Promise.all(lists)).flatMap(({ json }) => json.items as { state: string; attempts: number }[]);
  }

  async pending() {
    return (await this.all()).filter(({ state }) => state !== 'delivered');
  }

  /** Makes a version of the next size; false if the service was killed before it answered. */
  async resize(id: string): Promise<boolean> {
    const change = { audience: { size: ++this.#size } };
    return this.served.call('PATCH', `/v1/campaigns/${id}`, change).then(
      ({ status }) => status === 200,
      () => false,
    );
  }

  /** The sizes of all versions, oldest first, once all are delivered. */
  async whenDelivered(id: string): Promise<{ readonly sizes: readonly number[]; readonly lines: readonly string[] }> {
    await vi.waitFor(async () => expect(await this.pending()).toEqual([]), WITHIN);
    const { json } = await this.served.call('GET', `/v1/campaigns/${id}/audiences?limit=100`);
    const sizes = json.items.map(({ size }: { size: number }) => size).reverse();
    const whole = await this.served.call('GET', `/v1/campaigns/${id}/audience?size=100`, undefined, {
      accept: 'text/csv',
    });
    return { sizes, lines: whole.text.split('\r\n').slice(1, -1) };
  }
}

describe.skipIf(!HAS_PROC)('a service that is killed ten times', () => {
  it('completes and repeats no version', { timeout: 480_000 }, async () => {
    const root = temporaryFolder();
    const s3 = await startOwnS3();
    onTestFinished(() => s3.close());
    stubCredentials(s3);
    onTestFinished(() => void vi.unstubAllEnvs());
    const env = { ...KEEPING_ALL, METAHEAC_DESTINATIONS_ROOT: root, METAHEAC_WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' };
    const options = { ...world, dataDir: temporaryFolder(), env, limits };
    const deliveries = new Deliveries(await Served.start(options));
    await deliveries.create({ kind: 'folder', path: 'full' });
    await deliveries.create({ kind: 'folder', path: 'deltas', mode: 'deltas' });
    await deliveries.create({ kind: 's3', bucket: s3.bucket, endpoint: s3.endpoint });
    const id = await deliveries.served.create(campaign, { size: FIRST_SIZE });
    await deliveries.served.ended(id);

    const full = openFolderFiles(`${root}/full`);
    let interrupted = 0;
    let made = 1;
    for (let kill = 0; kill < KILLS; kill++) {
      const sizes = Array.from({ length: SIZES_PER_KILL }, () => deliveries.resize(id));
      // a kill interrupts requests, the writes of their versions, or none
      if (kill % 2 === 0) await Promise.race(sizes);
      else expect(await Promise.all(sizes)).toEqual(sizes.map(() => true));
      await sleep(LATER_MS * kill);
      deliveries.served.killGroup();
      made += (await Promise.all(sizes)).filter(Boolean).length;
      await deliveries.served.exited();
      const manifests = (await namesIn(`${root}/full`)()).filter((name) => name.endsWith(MANIFEST_FILE));
      for (const name of manifests) await readVersion(full, dirname(name));
      interrupted += manifests.length < made ? 1 : 0;
      deliveries.served = await startAnswering(options);
    }
    const { sizes, lines } = await deliveries.whenDelivered(id);
    expect(sizes.length).toBeGreaterThanOrEqual(made);
    expect(interrupted).toBeGreaterThan(0);

    const bucket = await openLocationFiles(`s3://${s3.bucket}?endpoint=${s3.endpoint}`, {
      ...{ clock: systemClock, credentials: s3.credentials },
    });
    const listed = async () => (await bucket.list('')).map(({ name }) => name);
    for (const [files, list] of [
      [full, namesIn(`${root}/full`)],
      [bucket, listed],
    ] as const) {
      const found = await readAll(files, id, sizes.length, list);
      expect(found.map(({ rows }) => rows)).toEqual(sizes.map((size) => lines.slice(0, size)));
    }
    const deltas = await readAll(openFolderFiles(`${root}/deltas`), id, sizes.length, namesIn(`${root}/deltas`));
    const members = new Set<string>();
    for (const { rows, manifest } of deltas)
      for (const row of rows) {
        const [change, user] = manifest.kind === 'full' ? ['added', row.split(',')[1]] : row.split(',');
        expect([row, members.has(user!)]).toEqual([row, change === 'removed']);
        if (change === 'removed') members.delete(user!);
        else members.add(user!);
      }
    expect(deltas.filter(({ manifest }) => manifest.kind === 'delta').length).toBe(sizes.length - 1);
    expect([...members].sort()).toEqual(
      lines
        .map((line) => line.split(',')[1])
        .slice(0, sizes.at(-1))
        .sort(),
    );
  });
});

/** Reads a version that has a manifest, and so must have all files that the manifest names. */
async function readVersion(files: BlobFiles, folder: string) {
  const read = async (name: string) => (await files.find(`${folder}/${name}`))!.data;
  const manifest = JSON.parse(Buffer.from(await read(MANIFEST_FILE)).toString()) as DeliveryManifest;
  const rows: string[] = [];
  for (const { name, sha256 } of manifest.files) {
    const bytes = await read(name);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    rows.push(...Buffer.from(bytes).toString().split('\r\n').slice(1, -1));
  }
  expect(rows).toHaveLength(manifest.rows);
  return { manifest, rows };
}

/** Reads all versions of a destination, whose files must be exactly those that the manifests name. */
async function readAll(files: BlobFiles, id: string, versions: number, list: () => Promise<readonly string[]>) {
  const names = new Set([`${id}/${ACTIVE_FILE}`]);
  const found: Awaited<ReturnType<typeof readVersion>>[] = [];
  for (let version = 1; version <= versions; version++) {
    const one = await readVersion(files, `${id}/${version}`);
    for (const name of [MANIFEST_FILE, ...one.manifest.files.map(({ name }) => name)])
      names.add(`${id}/${version}/${name}`);
    found.push(one);
  }
  expect(new Set(await list())).toEqual(names);
  const active = (await files.find(`${id}/${ACTIVE_FILE}`))!.data;
  expect(JSON.parse(Buffer.from(active).toString())).toEqual({ version: versions });
  return found;
}

/** Lists all files below a folder, including hidden ones. */
function namesIn(folder: string): () => Promise<string[]> {
  return async () =>
    (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [])
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

describeWithPostgres('two nodes of a cluster', () => {
  it('write each version once, and one goes on where the other was killed', { timeout: 480_000 }, async () => {
    const root = temporaryFolder();
    const folder = temporaryFolder();
    const store = await openMigratedPostgres();
    const blobs = pathToFileURL(join(folder, 'blobs')).href;
    const env = { ...KEEPING_ALL, METAHEAC_DESTINATIONS_ROOT: root, METAHEAC_STORE: store, METAHEAC_BLOBS: blobs };
    const start = (name: string) =>
      Served.start({ ...world, env: { ...env, METAHEAC_CACHE: join(folder, name), METAHEAC_ENGINE: 'true' }, limits });
    const nodes = [await start('one'), await start('two')];
    const deliveries = new Deliveries(nodes[0]!);
    await deliveries.create({ kind: 'folder', path: 'full' });
    const id = await nodes[0]!.create(campaign, { size: FIRST_SIZE });
    await nodes[0]!.ended(id);
    const sent = (node: Served) => node.log.split('"outcome":"delivered"').length - 1;
    await vi.waitFor(() => expect(nodes.map(sent).sort()).toEqual([0, 1]), WITHIN);
    const [sender, other] = sent(nodes[0]!) === 1 ? nodes : nodes.toReversed();
    deliveries.served = other!;
    const sizes = Array.from({ length: RESIZES_IN_CLUSTER }, () => deliveries.resize(id));
    await Promise.race(sizes);
    await vi.waitFor(() => expect(sent(sender!)).toBeGreaterThan(3), { ...WITHIN, interval: 1 });
    sender!.killGroup();
    await Promise.all(sizes);
    const found = await deliveries.whenDelivered(id);
    expect(sent(other!)).toBeGreaterThan(0);
    expect(sent(sender!) + sent(other!)).toBeGreaterThanOrEqual(found.sizes.length - 1);
    expect((await deliveries.all()).filter(({ attempts }) => attempts !== 1)).toEqual([]);
    const read = await readAll(openFolderFiles(`${root}/full`), id, found.sizes.length, namesIn(`${root}/full`));
    expect(read.map(({ rows }) => rows)).toEqual(found.sizes.map((size) => found.lines.slice(0, size)));
  });
});
