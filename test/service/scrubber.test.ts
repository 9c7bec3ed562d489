/** The scrubber finds what is damaged while nobody reads it, and a damaged audience is made again. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { RankingCache } from '../../src/audience/ranking-cache.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLogger } from '../../src/lib/logging.ts';
import { DamageLog } from '../../src/service/upkeep/damage-log.ts';
import { Scrubber } from '../../src/service/upkeep/scrubber.ts';
import { expandFailed } from '../../src/service/upkeep/service-upkeep.ts';
import { userSetFile } from '../../src/storage/files/set-file.ts';
import { locateStore, openUpkeep } from '../../src/storage/open-store.ts';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../http/fixture.ts';

const population = await importUsers();
let fixture: Fixture;
beforeAll(async () => {
  fixture = await openFixture(population);
});

const logger = createLogger('silent', 'test');
const DAMAGE = { logger, clock: systemClock, wake: () => {} };

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[5]! ^= 16;
  writeFileSync(path, bytes);
}

it('reports each damaged file once, and makes an active audience again', async () => {
  const { store, dataDir } = fixture;
  const damaged = await fixture.createReady();
  const folder = (await store.activeAudience(damaged)).folder;
  flip(join(dataDir, folder, 'scores.f32'));
  const set = userSetFile((await store.userSets.find({ kind: 'seeds', campaignId: damaged }))!);
  flip(join(dataDir, 'seeds', set));
  const { path, version } = population;
  const segment = join(path, version, 'segments/000000.arrow');
  flip(segment);

  let wakes = 0;
  const damage = new DamageLog({ store, logger, clock: systemClock, wake: () => void wakes++ });
  const upkeep = await openUpkeep(locateStore(dataDir));
  const rankings = new RankingCache(store.blobs, { openRankings: 2, memoryBytes: 0 });
  const scrubber = new Scrubber({
    ...{ upkeep, rankings, damage, logger, bytesPerSecond: 1e12, pauseMs: 1 },
    population: { folder: path, version: () => version },
  });
  scrubber.start();
  await expect.poll(() => scrubber.progress.passes, { timeout: 30_000 }).toBeGreaterThan(2);
  await scrubber.close();
  expect(damage.counts()).toEqual({ ranking: 1, user_set: 1, population: 1, row: 0 });
  expect([(await store.get(damaged)).state, wakes]).toEqual(['queued', 1]);
  // never another user: refused until it is there again
  expect((await fixture.call('GET', `/v1/campaigns/${damaged}/audience`)).json.code).toBe('storage_failed');
  expect(() => population.readSegment(0)).toThrow('000000.arrow was altered');
  // its inputs must be whole for that
  await expect(fixture.finishNext()).rejects.toThrow('is damaged');
  flip(join(dataDir, 'seeds', set));
  await store.releaseOwner(`${process.pid}:test`, 'stopped');
  await fixture.finishNext();
  expect(await store.activeAudience(damaged)).toMatchObject({ version: 2 });
  expect((await fixture.call('GET', `/v1/campaigns/${damaged}/audience`)).status).toBe(200);
  flip(segment);
  await upkeep.close();
  rankings.closeAll();
});

it('is closed only after the slice that it is reading', async () => {
  const { promise: passed, resolve: pass } = Promise.withResolvers<void>();
  const steps: string[] = [];
  const { path, version } = population;
  const scrubber = new Scrubber({
    upkeep: {
      ...(await openUpkeep(locateStore(fixture.dataDir))),
      async *damagedRows() {
        steps.push('begins');
        await passed;
        steps.push('ends');
        yield 1;
        steps.push('goes on');
        return [];
      },
    },
    ...{ rankings: { forget: () => {} }, damage: new DamageLog({ ...DAMAGE, store: fixture.store }), logger },
    ...{ bytesPerSecond: 1e12, pauseMs: 1, recheckMs: 1e9 },
    population: { folder: path, version: () => version },
  });
  scrubber.start();
  await expect.poll(() => steps).toEqual(['begins']);
  const closed = scrubber.close().then(() => steps.push('closed'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  pass();
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(steps).toEqual(['begins', 'ends', 'closed']);
});

it('makes an audience again that a read found damaged, once', async () => {
  const { store, dataDir } = fixture;
  const id = await fixture.createReady();
  const { folder } = await store.activeAudience(id);
  flip(join(dataDir, folder, 'order.u32'));
  const damage = new DamageLog({ store, logger, clock: systemClock, wake: () => {} });
  const rankings = new RankingCache(store.blobs, { openRankings: 2, memoryBytes: 0 });
  rankings.onDamage((path) => damage.noteRanking(path));
  for (let read = 0; read < 3; read++)
    await expect(async () => rankings.use(folder, (ranking) => ranking.usersAt(0, 1))).rejects.toThrow(
      'does not match its checksum',
    );
  await expect.poll(async () => (await store.get(id)).state).toBe('queued');
  expect(damage.counts().ranking).toBe(1);
  await fixture.finishNext();
  const again = await store.activeAudience(id);
  expect(again.folder).not.toBe(folder);
  expect(await rankings.use(again.folder, ({ candidates }) => candidates)).toBe(again.candidates);
  rankings.closeAll();
});

it('makes an audience again although an expansion was cancelled, and after a change back to the damaged version', async () => {
  const { store, dataDir } = fixture;
  const id = await fixture.createReady();
  const { folder, version } = await store.activeAudience(id);
  const running = await store.expand(id);
  flip(join(dataDir, folder, 'order.u32'));
  const damage = new DamageLog({ store, logger, clock: systemClock, wake: () => {} });
  const note = async (message?: string) => {
    damage.noteRanking(folder, message);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return (await store.get(id)).state;
  };
  // its end may make another version the active one
  expect([await note(), (await store.get(id)).expansionId]).toEqual(['queued', running.id]);
  await store.cancel(id, running.id);
  expect(await note()).toBe('queued');
  await fixture.finishNext();
  await store.activate(id, version);
  // a read asks once
  expect(await note()).toBe('ready');
  expect(await note('a pass found it')).toBe('queued');
  await store.cancel(id, (await store.get(id)).expansionId!);
  expect(await note('the next pass found it')).toBe('queued');
  expect(damage.counts().ranking).toBe(1);
});

it('names a deleted segment at once, a flipped byte when it is suspected, and neither when they are whole', async () => {
  const { store, dataDir } = fixture;
  const damage = new DamageLog({ store, logger, clock: systemClock, wake: () => {} });
  const upkeep = await openUpkeep(locateStore(dataDir));
  const { path: folder, version } = population;
  const scrubber = new Scrubber({
    ...{ upkeep, rankings: { forget: () => {} }, damage, logger, bytesPerSecond: 1e12, pauseMs: 1e9, recheckMs: 1 },
    population: { folder, version: () => version },
  });
  scrubber.start();
  const name = join(version, 'segments/000000.arrow');
  const segment = join(folder, name);
  const known = () => damage.known().map(({ kind, path }) => `${kind} ${path}`);
  renameSync(segment, `${segment}.away`);
  await expect.poll(known).toEqual([`population ${name}`]);
  renameSync(`${segment}.away`, segment);
  await expect.poll(known).toEqual([]);
  flip(segment);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(known()).toEqual([]);
  scrubber.suspectPopulation();
  await expect.poll(known).toEqual([`population ${name}`]);
  flip(segment);
  await expect.poll(known).toEqual([]);
  // a ranking likewise, or when it is no longer needed; one expansion of the test before still waits
  await fixture.finishNext();
  const id = await fixture.createReady();
  const { folder: ranking } = await store.activeAudience(id);
  const order = join(dataDir, ranking, 'order.u32');
  renameSync(order, `${order}.away`);
  damage.note('ranking', ranking, 'the damage was found by a read');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(known()).toEqual([`ranking ${ranking}`]);
  renameSync(`${order}.away`, order);
  await expect.poll(known).toEqual([]);
  expect(damage.counts().population).toBe(2);
  await scrubber.close();
  await upkeep.close();
});

it('queues what failed because of a deleted segment, and nothing else, once the population is whole', async () => {
  const { store } = fixture;
  const fail = async (code: string): Promise<string> => {
    const { id } = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json;
    const job = (await store.claim('1:test'))!;
    await store.end(job, 'failed', { code, message: 'the expansion failed: see the log' });
    return id;
  };
  const ids = [await fail('invalid_population'), await fail('population_unavailable'), await fail('internal')];
  let wakes = 0;
  const wake = () => void wakes++;
  const onPopulationWhole = () => void expandFailed({ store, logger, wake });
  const damage = new DamageLog({ store, logger, clock: systemClock, wake, onPopulationWhole });
  const states = async () => await Promise.all(ids.map(async (id) => (await store.get(id)).state));
  for (const path of ['v/segments/0', 'v/segments/1']) damage.note('population', path, 'it is missing');
  damage.mend('v/segments/0');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await states()).toEqual(['failed', 'failed', 'failed']);
  damage.mend('v/segments/1');
  await expect.poll(states).toEqual(['queued', 'queued', 'failed']);
  expect(wakes).toBe(1);
  expect(await expandFailed({ store, logger, wake })).toBe(0);
});
