/** Readiness by its parts, and the status, when something is wrong. */

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PACKAGE_VERSION } from '../../src/lib/package-root.ts';
import type { EngineStatus } from '../../src/service/ports/health.ts';
import { connect } from '../../src/storage/sqlite/database/driver.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { type Fixture, type FixtureOptions, importUsers, OK_BODY, openFixture } from './fixture.ts';

let fixture: Fixture;
const population = await importUsers();

const open = async (parts: FixtureOptions = {}) => {
  fixture = await openFixture(population, {}, parts);
};
const get = (path: string) => fixture.call('GET', path);

/** Time that passes when the test says so. */
function manualClock() {
  let ms = Date.UTC(2026, 10, 26);
  const pass = (more: number) => {
    ms += more;
  };
  return { now: () => ms, elapsed: () => ms, pass };
}

const HEARTBEAT = {
  ...{ pid: 7, ageMs: 400, threads: 3, expanding: 1, residentBytes: 5_000_000, loopLagSeconds: 0.01 },
  userSides: { stored: 2, missing: 3 },
  ...{ warm: true, refusedModels: [], copies: null },
};
const RUNNING: EngineStatus = { ready: true, detail: 'cpu', restarts: 0, heartbeat: HEARTBEAT, usersScored: 600 };

async function faults(): Promise<Record<string, string>> {
  const { status, json } = await get('/readyz');
  const parts: readonly { name: string; ready: boolean; detail: string }[] = json.parts;
  const bad = parts.filter(({ ready }) => !ready).map(({ name, detail }) => [name, detail]);
  expect(status).toBe(bad.length === 0 ? 200 : 503);
  return Object.fromEntries(bad);
}

describe('GET /readyz', () => {
  it('names the models for whose ranges the engine is refused', async () => {
    await open();
    fixture.answers.engine = () => ({ ...RUNNING, heartbeat: { ...HEARTBEAT, refusedModels: ['model-1'] } });
    const { json } = await get('/readyz');
    const { ready, detail } = json.parts.find(({ name }: { name: string }) => name === 'engine');
    const why = 'because it scores the golden batch of model-1 differently';
    expect([ready, detail]).toEqual([true, `cpu; refused for ranges of other engines' expansions, ${why}`]);
  });

  it('logs a change of readiness once, and no probe', async () => {
    await open();
    for (const ready of [true, false, false, false, true, true]) {
      fixture.answers.engine = () => ({ ...RUNNING, ready });
      await get('/readyz');
    }
    const lines = jsonLines(fixture.log());
    expect(lines.filter(({ level }) => level >= 30).map(({ msg, parts }) => [msg, parts])).toEqual([
      ['not ready', [{ name: 'engine', ready: false, detail: 'cpu' }]],
      ['ready', undefined],
    ]);
  });

  it('shows a population folder in which no user can be erased', async () => {
    await open();
    const { path } = population;
    renameSync(path, `${path}-away`);
    onTestFinished(() => renameSync(`${path}-away`, path));
    const { status, json } = await get('/readyz');
    const { detail } = json.parts.find(({ name }: { name: string }) => name === 'population');
    expect([status, detail]).toEqual([200, expect.stringMatching(/; no user can be erased: .+ is not writable$/)]);
  });

  it('is 503 below the mark of free space', async () => {
    await open({ machine: { disk: () => ({ freeBytes: 3 * 2 ** 20, totalBytes: 2 ** 30 }) } });
    expect(await faults()).toEqual({ disk: '3.1 MB free, less than 67.1 MB' });
  });

  it('is 503 where the disk cannot be asked, with the reason', async () => {
    const disk = () => {
      throw new Error('EIO: i/o error, statfs');
    };
    await open({ machine: { disk } });
    expect(await faults()).toEqual({ disk: 'EIO: i/o error, statfs' });
    expect((await get('/metrics')).text).not.toMatch(/^metaheac_disk_free_bytes /m);
    expect((await get('/v1/status')).json.disk).toBeNull();
  });

  it('is 503 when few descriptors are left', async () => {
    await open({ machine: { descriptors: () => ({ open: 961, limit: 1024 }) } });
    expect(await faults()).toEqual({ descriptors: '961 of 1,024 open' });
  });

  it('is 503 when the engine has no heartbeat', async () => {
    await open();
    fixture.answers.engine = () => ({ ...RUNNING, heartbeat: { ...HEARTBEAT, ageMs: 31_000 } });
    expect(await faults()).toEqual({ engine: 'no heartbeat for 31 s' });
  });

  it('writes to the store, and is 503 once another process has been writing for ten seconds', {
    timeout: 20_000,
  }, async () => {
    const clock = manualClock();
    await open({ clock });
    expect(await faults()).toEqual({});
    const other = connect(join(fixture.dataDir, 'metaheac.db'));
    try {
      expect(other.prepare('SELECT written_at FROM probe').pluck().get()).toBe(clock.now());
      other.exec('BEGIN IMMEDIATE');
      clock.pass(2_000);
      expect(await faults()).toEqual({});
      clock.pass(9_000);
      expect(await faults()).toEqual({ store: 'another process has been writing for 11 s' });
      other.exec('COMMIT');
      clock.pass(2_000);
      expect(await faults()).toEqual({});
    } finally {
      other.close();
    }
  });

  it('looks at descriptors once a second', async () => {
    const clock = manualClock();
    let looks = 0;
    const descriptors = () => {
      looks += 1;
      return { open: 10, limit: 1024 };
    };
    await open({ clock, machine: { descriptors } });
    for (let i = 0; i < 5; i++) await get('/readyz');
    expect(looks).toBe(1);
    clock.pass(1_000);
    await get('/readyz');
    expect(looks).toBe(2);
  });

  it('looks at the disk each time: one that was filled since is told at once', async () => {
    let freeBytes = 2 ** 30;
    await open({ clock: manualClock(), machine: { disk: () => ({ freeBytes, totalBytes: 2 ** 30 }) } });
    expect(await faults()).toEqual({});
    freeBytes = 0;
    expect(await faults()).toEqual({ disk: '0 MB free, less than 67.1 MB' });
    freeBytes = 2 ** 30;
    expect(await faults()).toEqual({});
  });
});

describe('GET /metrics', () => {
  it('has what the engine tells, and leaves it out where none runs', async () => {
    await open();
    fixture.answers.engine = () => RUNNING;
    const lines = (await get('/metrics')).text.split('\n');
    for (const line of [
      'metaheac_users_scored_total 600',
      'metaheac_engine_threads 3',
      'metaheac_engine_expanding 1',
      'metaheac_engine_heartbeat_age_seconds 0.4',
      'metaheac_engine_loop_lag_seconds 0.01',
      'metaheac_engine_user_sides_stored 2',
      'metaheac_engine_user_sides_missing 3',
      'metaheac_resident_memory_bytes{process="engine"} 5000000',
    ])
      expect(lines).toContain(line);
    fixture.answers.engine = () => ({ ...RUNNING, heartbeat: { ...HEARTBEAT, userSides: null } });
    expect((await get('/metrics')).text).not.toMatch(/^metaheac_engine_user_sides_/m);
    fixture.answers.engine = () => ({ ...RUNNING, ready: false, heartbeat: null });
    const after = (await get('/metrics')).text;
    expect(after).not.toMatch(/process="engine"|^metaheac_engine_(info|threads|expanding)[ {]/m);
    expect(after).toContain('metaheac_users_scored_total 600');
  });
});

describe('GET /v1/status', () => {
  it('has versions, queue, engine, disk and webhooks', async () => {
    const clock = manualClock();
    await open({ clock, machine: { disk: () => ({ freeBytes: 2 ** 30, totalBytes: 2 ** 31 }) } });
    fixture.answers.engine = () => RUNNING;
    await fixture.createReady();
    await fixture.call('POST', '/v1/campaigns', OK_BODY);
    clock.pass(5_000);
    const { status, json } = await get('/v1/status');
    expect(status).toBe(200);
    expect(json).toMatchObject({
      ready: true,
      versions: { service: PACKAGE_VERSION, model: 'model-1', population: population.version },
      uptime_seconds: 5,
      queue: { depth: 1, oldest_seconds: 5, by_state: { queued: 1, ready: 1, failed: 0 } },
      engine: { ready: true, detail: 'cpu', threads: 3, expanding: 1, heartbeat_age_seconds: 0.4 },
      disk: { free_bytes: 2 ** 30, total_bytes: 2 ** 31, reserve_file_bytes: 0 },
      webhooks: { pending: 0, delivered: 0, retried: 0, failed: 0 },
      last_errors: [],
    });
    expect(json.versions.database_schema).toBeGreaterThanOrEqual(1);
  });

  it('lists what failed last, the newest first, and no user', async () => {
    const clock = manualClock();
    await open({ clock });
    const failed = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
    const { store } = fixture;
    await store.end((await store.claim('1:test'))!, 'failed', {
      code: 'population_unavailable',
      message: 'of person-1',
    });
    clock.pass(1_000);
    const retried = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
    await store.retryLater((await store.claim('1:test'))!, { code: 'storage_failed', message: 'x' }, 60_000);
    clock.pass(1_000);
    fixture.answers.engine = () => {
      throw new Error('secret detail');
    };
    expect((await get('/readyz')).status).toBe(500);
    fixture.answers.engine = () => RUNNING;
    const { text, json } = await get('/v1/status');
    const none = { campaign_id: null, expansion_id: null, route: null };
    expect(json.last_errors).toEqual([
      { ...none, code: 'internal', at: '2026-11-26T00:00:02.000Z', route: '/readyz' },
      { ...none, code: 'storage_failed', at: '2026-11-26T00:00:01.000Z', ...ids(retried) },
      { ...none, code: 'population_unavailable', at: '2026-11-26T00:00:00.000Z', ...ids(failed) },
    ]);
    expect(text).not.toMatch(/person-|secret/);
    for (let i = 0; i < 30; i++) {
      await fixture.call('POST', '/v1/campaigns', OK_BODY);
      await store.end((await store.claim('1:test'))!, 'failed', { code: 'crashed', message: 'x' });
    }
    expect((await get('/v1/status')).json.last_errors).toHaveLength(20);
  });
});

function ids(campaign: string): object {
  return { campaign_id: campaign, expansion_id: expect.stringMatching(/^[0-9a-f-]{36}$/) };
}
