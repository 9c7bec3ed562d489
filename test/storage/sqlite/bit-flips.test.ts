/** Single bit flips in a database: each is found by the checks of `verify`, or changes no result. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CampaignStore } from '../../../src/domain/ports/store.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { messageOf } from '../../../src/lib/errors.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { openStore, openUpkeep } from '../../../src/storage/sqlite/adapter.ts';
import { connect } from '../../../src/storage/sqlite/database/driver.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { size } from '../../fixture/size.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, USER_IDS } from '../../http/fixture.ts';

const SEED = 'flips 1';
const PAGE = { limit: 100 };

const population = await importUsers();
let fixture: Fixture;
let whole: Buffer;
let folder: string;

beforeAll(async () => {
  fixture = await openFixture(population);
  whole = await makeDatabase(fixture);
  folder = temporaryFolder();
});

/** Campaigns in several states, feedback, keys, webhooks with deliveries, the audit log: the file without its log. */
async function makeDatabase({ store, call, createReady, dataDir }: Fixture): Promise<Buffer> {
  const hook = await call('POST', '/v1/webhooks', { url: 'https://93.184.216.34/x', events: ['campaign.ready'] });
  expect(hook.status, hook.text).toBe(201);
  for (let i = 0; i < 12; i++) {
    const body = { ...OK_BODY, name: `campaign ${i}`, labels: { team: `team ${i % 3}` } };
    const id = i < 8 ? await createReady(body) : (await call('POST', '/v1/campaigns', body)).json.id;
    const events = USER_IDS.slice(40, 90).map((userId, at) => ({
      userId,
      event: 'click' as const,
      happenedAt: 1e12 + at,
    }));
    await store.addFeedback(id, events);
  }
  for (let i = 0; i < 4; i++)
    await store.apiKeys.create({ name: `key ${i}`, scope: 'read', labels: {}, expiresAt: null }, 100);
  const copy = join(temporaryFolder(), 'copy.db');
  const database = connect(join(dataDir, 'metaheac.db'));
  database.prepare('VACUUM INTO @copy').run({ copy });
  database.close();
  return readFileSync(copy);
}

/** The results of the store, and all of its rows. */
async function answers(): Promise<string> {
  const file = join(folder, 'metaheac.db');
  const clock = { ...systemClock, now: () => Date.UTC(2026, 10, 28) };
  const store = await openStore(folder, { clock, minimumSeeds: 10, leaseMs: 30_000, maximumAttempts: 3 });
  try {
    const campaigns = (await store.list(PAGE)).items;
    const database = connect(file, { readonly: true });
    const tables = database
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name")
      .pluck()
      .all() as string[];
    const rows = tables.map((name) => [name, database.prepare(`SELECT * FROM ${name} NOT INDEXED`).raw().all()]);
    database.close();
    return JSON.stringify([
      campaigns,
      await Promise.all(campaigns.map(async ({ id }) => ofCampaign(store, id))),
      await ofAll(store),
      rows,
    ]);
  } finally {
    await store.close();
  }
}

async function ofCampaign(store: CampaignStore, id: string): Promise<unknown> {
  const expansions = (await store.expansionsOf(id, PAGE)).items;
  return [
    await store.get(id),
    expansions,
    await Promise.all(expansions.map(async ({ id: expansionId }) => store.setsOf({ expansionId }))),
    await store.audienceVersions(id, PAGE),
    await store.feedbackOf(id),
    await store.respondersOf(id, 1000),
  ];
}

async function ofAll(store: CampaignStore): Promise<unknown> {
  const keys = (await store.apiKeys.list(PAGE)).items;
  return [
    await store.activeAudiences(),
    await store.changes(undefined, 100),
    await store.webhooks.list(PAGE),
    await Promise.all(keys.map(async ({ id }) => store.apiKeys.find(id))),
    await store.audit.list(PAGE),
    await store.countsByState(),
    store.clock.steps(),
  ];
}

function put(bytes: Buffer): void {
  const file = join(folder, 'metaheac.db');
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  writeFileSync(file, bytes);
}

/** What `verify` reports about the database; empty if nothing is wrong. */
async function faults(): Promise<string[]> {
  try {
    const upkeep = await openUpkeep(folder);
    try {
      return await upkeep.faults();
    } finally {
      await upkeep.close();
    }
  } catch (error) {
    return [messageOf(error)];
  }
}

async function attempt(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    return `fails: ${messageOf(error)}`;
  }
}

describe('a bit of the database that flips', () => {
  it(`is found or changes no answer, ${size(40, 120)} times at random`, { timeout: 300_000 }, async () => {
    put(whole);
    expect(await faults()).toEqual([]);
    const expected = await answers();
    const rng = createRng(SEED);
    const written = [...whole.keys()].filter((at) => whole[at] !== 0);
    const missed: string[] = [];
    let found = 0;
    for (let i = 0; i < size(40, 120); i++) {
      // every other flip hits used space: half of the file is free space
      const at = i % 2 === 0 ? rng.integer(whole.length) : written[rng.integer(written.length)]!;
      const bit = rng.integer(8);
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << bit;
      put(bytes);
      if ((await faults()).length > 0) {
        found += 1;
        continue;
      }
      put(bytes);
      if ((await attempt(answers)) !== expected) missed.push(`byte ${at}, bit ${bit}`);
    }
    expect(missed, `seed ${SEED}`).toEqual([]);
    expect(found).toBeGreaterThan(size(40, 120) / 4);
  });
});
