/**
 * A database of each earlier version, with rows, is migrated by opening it: nothing that was acknowledged is lost.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { MIGRATIONS_FOLDER, openDatabase, readMigrations } from '../../../src/storage/sqlite/database/database.ts';
import { openStore } from '../../../src/storage/sqlite/open-store.ts';
import { temporaryFolder } from '../../fixture/folders.ts';

const ALL = readMigrations(MIGRATIONS_FOLDER);
const SET = 'a'.repeat(64);

/** Rows as version 1 wrote them; later versions of the schema take them too. */
function writeRows(folder: string, version: number): void {
  const database = openDatabase(join(folder, 'metaheac.db'), ALL.slice(0, version));
  const sets = version < 3 ? 'seed_sets' : 'user_sets';
  database.exec(`
    INSERT INTO ${sets} VALUES ('${SET}', 4, 20, 1000);
    INSERT INTO campaigns (id, name, features, unknown_features, missing_features, audience, created_at) VALUES
      ('ready', 'r', '{"category":"shoes"}', 1, 2, '{"percent":10}', 1000),
      ('queued', 'q', '{}', 0, 0, '{"size":5}', 2000),
      ('small', 's', '{}', 0, 0, '{"size":5}', 3000);
    INSERT INTO expansions (id, campaign, latest, state, progress, reason, seed_set, seeds_received, seeds_known,
        seeds_unknown, seeds_duplicate, unknown_examples, model_version, population_version, timings, quality,
        created_at, updated_at) VALUES
      ('e-old', 1, 0, 'ready', 1, NULL, '${SET}', 5, 3, 1, 1, '["x"]', 'm0', 'p0', '{}', NULL, 1000, 1100),
      ('e-ready', 1, 1, 'ready', 1, NULL, '${SET}', 5, 3, 1, 1, '["x"]', 'm1', 'p1', '{"scoring":2}', '{"epochs":3}', 1200, 1300),
      ('e-queued', 2, 1, 'queued', 0, NULL, '${SET}', 5, 3, 1, 1, '["x"]', NULL, NULL, '{}', NULL, 2000, 2000),
      ('e-small', 3, 1, 'too_small', 0, '{"code":"too_few_seeds","message":"3 of 10"}',
        '${SET}', 5, 3, 1, 1, '["x"]', NULL, NULL, '{}', NULL, 3000, 3000);
    INSERT INTO jobs (id, expansion, queued_at, run_after, attempt, owner, lease_until) VALUES ('j', 3, 2000, 2000, 1, '7:gone', 2500);
  `);
  if (version < 3)
    database.exec(`INSERT INTO audiences VALUES
      (1, 1, 1, 10, 97, 'audiences/ready/e-old', 'p0', 1100), (1, 2, 2, 11, 97, 'audiences/ready/e-ready', 'p1', 1300)`);
  if (version >= 3)
    database.exec(`
      UPDATE campaigns SET seed_set = '${SET}', seed_counts = '{"received":5,"known":3,"unknown":1,"duplicate":1,"unknownExamples":["x"]}';
      UPDATE campaigns SET active_version = 2, suppression_set = '${SET}' WHERE id = 'ready';
      UPDATE expansions SET suppression_set = '${SET}', features = '{"category":"shoes"}' WHERE id = 'e-ready';
      INSERT INTO audiences VALUES (1, 1, 1, 10, 97, 100, 'audiences/ready/e-old', 'p0', 1100),
        (1, 2, 2, 11, 97, 100, 'audiences/ready/e-ready', 'p1', 1300);
      INSERT INTO changes (campaign_id, kind, version, previous_version, size, changed_at) VALUES ('ready', 'activated', 2, 1, 11, 1300);
      INSERT INTO feedback VALUES (1, 'ann', 'click', 1200);
      INSERT INTO idempotency_keys VALUES ('k', 'sha', 'ready', '{}', 1200);
      UPDATE installation SET suppression_set = '${SET}';`);
  if (version >= 5) database.exec("UPDATE campaigns SET clicks = 1 WHERE id = 'ready'");
  if (version >= 2) database.exec("UPDATE campaigns SET external_id = 'mine' WHERE id = 'ready'");
  database.close();
}

describe('a data folder of schema', () => {
  it.each(
    ALL.slice(0, -1)
      .map(({ number }) => number)
      .filter((number) => number < 3),
  )('%i keeps its campaigns, audiences and jobs', async (version) => {
    const folder = temporaryFolder();
    writeRows(folder, version);
    const store = await openStore(folder, {
      clock: systemClock,
      minimumSeeds: 2,
      leaseMs: 1000,
      maximumAttempts: 3,
    });
    const seeds = { received: 5, known: 3, unknown: 1, duplicate: 1, unknownExamples: ['x'] };
    expect(await store.get('ready')).toMatchObject({
      externalId: version >= 2 ? 'mine' : null,
      features: { category: 'shoes' },
      featureCounts: { unknown: 1, missing: 2 },
      filters: {},
      labels: {},
      refresh: { everyMs: null, onNewPopulation: false, onChange: false },
      state: 'ready',
      seeds,
      expansionId: 'e-ready',
      needsExpansion: false,
      audienceVersion: 2,
      audienceSize: 11,
      candidates: 97,
      timings: { scoring: 2 },
      quality: { epochs: 3 },
    });
    expect(await store.get('small')).toMatchObject({ state: 'too_small', reason: { code: 'too_few_seeds' }, seeds });
    expect((await store.audienceVersions('ready', { limit: 9 })).items).toMatchObject([
      { version: 2, isActive: true, size: 11, candidates: 97, populationSize: 100, expansionId: 'e-ready' },
      { version: 1, isActive: false, size: 10, populationVersion: 'p0', expansionId: 'e-old' },
    ]);
    expect(await store.expansion('ready', 'e-old')).toMatchObject({ cause: 'created', audienceVersion: 1, seeds });
    expect((await store.changes(undefined, 9)).items).toMatchObject([{ campaignId: 'ready', version: 2, size: 11 }]);
    // running work continues, and so do version numbers
    expect(await store.releaseAll()).toBe(1);
    const job = (await store.claim('8:new'))!;
    expect(job).toMatchObject({ campaignId: 'queued', attempt: 1, sets: { seeds: SET, suppression: null } });
    expect(await store.update('ready', { audience: { percent: 20 } })).toMatchObject({
      audienceVersion: 3,
      audienceSize: 20,
    });
    expect(await store.expand('ready')).toMatchObject({ state: 'queued', features: { category: 'shoes' }, seeds });
    await store.close();
    const database = openDatabase(join(folder, 'metaheac.db'));
    expect(database.pragma('user_version', { simple: true })).toBe(ALL.length);
    expect(database.pragma('foreign_key_check')).toEqual([]);
    expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    database.close();
  });

  it.each(ALL.slice(2).map(({ number }) => number))(
    '%i with rows is opened by this version, and is intact',
    async (version) => {
      const folder = temporaryFolder();
      writeRows(folder, version);
      const options = { clock: systemClock, minimumSeeds: 2, leaseMs: 60_000, maximumAttempts: 3 };
      const store = await openStore(folder, options);
      expect((await store.list({ limit: 9 })).items.map(({ id, state }) => [id, state])).toEqual([
        ['small', 'too_small'],
        ['queued', 'queued'],
        ['ready', 'ready'],
      ]);
      expect(await store.activeAudience('ready')).toMatchObject({ version: 2, size: 11, populationSize: 100 });
      expect(await store.feedbackOf('ready')).toEqual({ conversion: 0, click: 1, dismissal: 0 });
      expect((await store.changes(undefined, 9)).items).toMatchObject([
        { campaignId: 'ready', version: 2, previousVersion: 1 },
      ]);
      await store.claim('8:new'); // that of 'queued'
      await store.expand('ready');
      const job = await store.claim('8:new');
      expect(job).toMatchObject({ campaignId: 'ready', sets: { suppression: SET, commonSuppression: SET } });
      expect(job!.sets.positives).toMatch(/^[0-9a-f]{64}$/);
      await store.close();
      const database = openDatabase(join(folder, 'metaheac.db'));
      expect(database.pragma('foreign_key_check')).toEqual([]);
      database.close();
    },
  );

  it('20, which did not count deaths, keeps a job whose engine ends during its last attempt', async () => {
    const folder = temporaryFolder();
    writeRows(folder, 20);
    const database = openDatabase(join(folder, 'metaheac.db'), ALL.slice(0, 20));
    database.exec('UPDATE jobs SET attempt = 3, token = 3');
    database.close();
    const options = { clock: systemClock, minimumSeeds: 2, leaseMs: 60_000, maximumAttempts: 3 };
    const store = await openStore(folder, options);
    expect(await store.releaseAll()).toBe(1);
    const job = (await store.claim('8:new'))!;
    expect(job).toMatchObject({ campaignId: 'queued', attempt: 3, deaths: 0, token: 4 });
    const reason = { code: 'storage_failed', message: 'the disk is full' };
    expect(await store.retryLater(job, reason, 0)).toBe(true);
    expect(await store.get('queued')).toMatchObject({ state: 'failed', reason });
    await store.close();
  });
});
