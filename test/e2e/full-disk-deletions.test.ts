/** Not a byte is left on the disk: whatever frees space works all the same, and nothing else does. */
import { cpSync, existsSync, mkdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { UserNumber } from '../../src/lib/brands.ts';
import { openPopulation } from '../../src/population/read.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { fillDisk, mountDisk, unmountDisk } from '../fixture/full-disk.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const disk = temporaryFolder();
const isMounted = mountDisk(disk, '24m');
afterAll(() => {
  if (isMounted) unmountDisk(disk);
});

const RESERVE_BYTES = 1_500_000;
const dataDir = join(disk, 'data');
const filler = join(disk, 'filler');
/** Erasures are recorded in its folder, on the same disk. */
const population = join(disk, 'population');
const KEY = 'the-key-of-the-operator';
const env = {
  METAHEAC_DISK_RESERVE_BYTES: '0',
  METAHEAC_API_KEY: KEY,
};
const limits = { readyFreeBytes: 65_536, reserveFileBytes: RESERVE_BYTES };

const reserve = () => statSync(join(dataDir, 'reserve'), { throwIfNoEntry: false })?.size ?? 0;
const freeBytes = () => {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize;
};
const callerOf =
  (served: Served) =>
  (method: string, path: string, body?: unknown, type = 'application/json') =>
    served.call(method, path, body, {
      ...(body === undefined ? {} : { 'content-type': type }),
      authorization: `Bearer ${KEY}`,
    });
/** The file has its size for a moment before it is durable, and until then the service refuses work. */
const hasReserve = (served: Served) =>
  served.until(
    async () => reserve() === RESERVE_BYTES && (await served.call('GET', '/readyz')).status === 200,
    'has its reserve, and counts on it',
  );

/** The disk has room, until the reserve is there again; then not a byte is left. */
async function refill(served: Served): Promise<void> {
  rmSync(filler, { recursive: true, force: true });
  await hasReserve(served);
  fillDisk(filler);
  expect(freeBytes()).toBe(0);
}

describe('deletions on a full disk', () => {
  // where none can be mounted the tests are left out with a loud line, and in CI they fail instead
  if (!isMounted)
    it.runIf(process.env['CI'])('SKIPPED outside of CI: needs Linux and the right to mount a tmpfs', () => {
      expect(isMounted).toBe(true);
    });

  it.runIf(isMounted)(
    'are durable and free space, with which the reserve is made again',
    { timeout: 300_000 },
    async () => {
      mkdirSync(dataDir);
      cpSync(world.population, population, { recursive: true });
      const { directory } = openPopulation(population);
      const { model } = world;
      let served = await Served.start({ model, population, dataDir, env, limits });
      let call = callerOf(served);
      const create = async (campaign: object) => {
        const { json } = await call('POST', '/v1/campaigns', { name: 'x', audience: { size: 100 }, ...campaign });
        await served.until(
          async () => (await call('GET', `/v1/campaigns/${json.id}`)).json.state === 'ready',
          'is ready',
        );
        return json.id as string;
      };
      const deleted = await create(world.campaigns[0]!);
      const kept = await create(world.campaigns[1]!);
      const listed = directory.id(3 as UserNumber);
      const list = '/v1/suppression';
      expect((await call('PUT', list, `${listed}\n`, 'text/plain')).status).toBe(200);
      const webhook = (await call('POST', '/v1/webhooks', { url: 'https://example.com/x', events: ['campaign.ready'] }))
        .json.id;
      const key = (await call('POST', '/v1/keys', { name: 'k', scope: 'read' })).json as { id: string };
      const erased = world.campaigns[1]!.seeds[0]!;

      const removals = [
        `/v1/campaigns/${deleted}`,
        `/v1/users/${encodeURIComponent(erased)}`,
        list,
        `/v1/webhooks/${webhook}`,
        `/v1/keys/${key.id}`,
      ];
      for (const path of removals) {
        await refill(served);
        const refused = await call('PATCH', `/v1/campaigns/${kept}`, { name: 'y' });
        expect([refused.status, refused.json.code]).toEqual([503, 'storage_failed']);
        expect(reserve(), 'it is for deletions alone').toBe(RESERVE_BYTES);
        expect([path, (await call('DELETE', path)).status]).toEqual([path, 204]);
        expect(reserve()).toBe(0);
        expect(freeBytes()).toBeGreaterThan(RESERVE_BYTES / 2);
        // what was given up is for deletions, too
        const late = await call('PATCH', `/v1/campaigns/${kept}`, { name: 'y' });
        expect([late.status, late.json.code]).toEqual([503, 'unavailable']);
        expect((await call('GET', '/v1/status')).json.disk.reserve_file_bytes).toBe(0);
      }

      served.killGroup();
      await served.exited();
      rmSync(filler, { recursive: true });
      fillDisk(filler);
      served = await Served.spawn({ model, population, dataDir, env, limits });
      call = callerOf(served);
      await served.until(async () => (await served.call('GET', '/livez')).status === 200, 'is alive');
      expect((await call('GET', `/v1/campaigns/${deleted}`)).status).toBe(404);
      expect((await call('GET', `/v1/users/${encodeURIComponent(erased)}/audiences`)).status).toBe(404);
      expect(openPopulation(population).erasures.hasId(erased)).toBe(true);
      expect((await call('GET', list)).json.users).toBe(0);
      expect((await call('GET', `/v1/webhooks/${webhook}`)).status).toBe(404);
      expect((await call('GET', `/v1/keys/${key.id}`)).json.revoked_at).not.toBeNull();

      rmSync(filler, { recursive: true });
      await hasReserve(served);
      expect((await call('GET', '/v1/status')).json.disk.reserve_file_bytes).toBe(RESERVE_BYTES);
      await served.until(async () => (await served.call('GET', '/readyz')).status === 200, 'is ready');
    },
  );

  it.runIf(isMounted)(
    'work after a start on the full disk, for which SQLite needs space',
    { timeout: 180_000 },
    async () => {
      const { model } = world;
      rmSync(filler, { recursive: true, force: true });
      const before = await Served.start({ model, population, dataDir, env, limits });
      await hasReserve(before);
      process.kill(before.api, 'SIGTERM');
      await before.exited();
      expect(existsSync(join(dataDir, 'metaheac.db-shm'))).toBe(false);
      fillDisk(filler);
      const served = await Served.spawn({ model, population, dataDir, env, limits });
      const call = callerOf(served);
      await served.until(async () => (await served.call('GET', '/livez')).status === 200, 'is alive');
      const { items } = (await call('GET', '/v1/campaigns')).json as { items: { id: string }[] };
      expect(items).toHaveLength(1);
      expect((await call('DELETE', `/v1/campaigns/${items[0]!.id}`)).status).toBe(204);
      await served.until(() => served.log.includes('the reserve was given up'), 'has said so');
      rmSync(filler, { recursive: true });
      await hasReserve(served);
      await served.until(() => served.log.includes('the reserve for deletions was created again'), 'has said so, too');
    },
  );

  it.runIf(isMounted)('leave room to save a database whose files are lost', { timeout: 180_000 }, async () => {
    const { model } = world;
    rmSync(filler, { recursive: true, force: true });
    const served = await Served.start({ model, population, dataDir, env, limits });
    const body = { name: 'saved', audience: { size: 100 }, ...world.campaigns[0]! };
    const { id } = (await callerOf(served)('POST', '/v1/campaigns', body)).json;
    await refill(served);
    rmSync(join(dataDir, 'metaheac.db-shm'));
    await served.until(() => served.log.includes('the whole database was saved'), 'has saved the database');
    served.killGroup();
    await served.exited();
    rmSync(filler, { recursive: true });
    const again = await Served.start({ model, population, dataDir, env, limits });
    expect((await callerOf(again)('GET', `/v1/campaigns/${id}`)).json.name).toBe('saved');
  });
});
