/**
 * The API process, or all of it, is killed with -9 at each stage of an expansion: what was acknowledged is finished
 * after a restart.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { openStore } from '../../src/storage/sqlite/adapter.ts';
import { connect } from '../../src/storage/sqlite/database/driver.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC, isAlive, killDead } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { IS_LONG } from '../fixture/size.ts';
import { type StageName, Stages } from '../fixture/stages.ts';
import { openStates } from '../fixture/states.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const dataDir = temporaryFolder();
const stages = new Stages();
/** An engine without its parent ends within this; it may be in a native call. */
const ORPHAN_MS = 10_000;

/** Who is killed at which stage. */
const VICTIMS: readonly (readonly [victim: 'api' | 'all', stage: StageName])[] = [
  ['api', 'queued'],
  ['all', 'adapting'],
  ['api', 'scoring'],
  ['all', 'while the ranking is written'],
];

describe.skipIf(!HAS_PROC)('serve that is killed with -9', () => {
  it('finishes after a restart with the same audience in one version, and progress never falls', {
    timeout: 300_000,
  }, async () => {
    let served = await Served.start({ ...world, dataDir, env: stages.env });
    const store = await openStore(dataDir, {
      clock: systemClock,
      minimumSeeds: 10,
      leaseMs: 15_000,
      maximumAttempts: 100,
    });
    const states = openStates(dataDir);
    const entriesOf = (id: string) =>
      existsSync(join(dataDir, 'audiences', id)) ? readdirSync(join(dataDir, 'audiences', id)) : [];
    const reference = await served.create(campaign);
    await served.ended(reference);
    const expected = digestOf(join(dataDir, (await store.activeAudience(reference)).folder));

    // one kill of each kind, or all of them
    for (const [victim, stage] of IS_LONG ? VICTIMS : VICTIMS.slice(1, 3)) {
      const { api, engine } = served;
      const id = await stages.freezeAt(stage, {
        engine,
        states,
        create: () => served.create(campaign),
        ended: (each) => served.ended(each),
      });
      const { progress } = await store.get(id);
      if (victim === 'all') killDead(engine);
      killDead(api);
      if (victim === 'api') process.kill(engine, 'SIGCONT');
      await expect.poll(() => isAlive(engine), { timeout: ORPHAN_MS }).toBe(false);
      served.killGroup();
      served = await Served.start({ ...world, dataDir, env: stages.env });
      const first = await served.call('GET', `/v1/campaigns/${id}`);
      expect(first.json.progress).toBeGreaterThanOrEqual(progress);
      const ended = await served.ended(id);
      expect([stage, ended.state, ended.progress, ended.audience_version]).toEqual([stage, 'ready', 1, 1]);
      expect([stage, digestOf(join(dataDir, (await store.activeAudience(id)).folder))]).toEqual([stage, expected]);
      expect([stage, entriesOf(id).length]).toEqual([stage, 1]);
    }
    expect(
      (await served.call('GET', '/v1/campaigns?limit=200')).json.items.map((each: { state: string }) => each.state),
    ).not.toContain('failed');
    const database = connect(join(dataDir, 'metaheac.db'), { readonly: true });
    expect(database.prepare('SELECT max(version) AS version FROM audiences').get()).toEqual({ version: 1 });
    database.close();
    states.close();
    await store.close();
  });
});
