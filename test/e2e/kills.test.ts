/**
 * The API process, or all of it, is killed with -9 at each stage of an expansion: what was acknowledged is finished
 * after a restart.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { connect } from '../../src/storage/sqlite/database/driver.ts';
import { openStore } from '../../src/storage/sqlite/open-store.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { freeze, HAS_PROC, isAlive, killDead, spinUntil } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { IS_LONG } from '../fixture/size.ts';
import { openStates } from '../fixture/states.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const dataDir = temporaryFolder();
/** A stage of milliseconds may be missed: then another campaign is tried. */
const TRIES = 50;
/** An engine without its parent ends within this; it may be in a native call. */
const ORPHAN_MS = 10_000;

describe.skipIf(!HAS_PROC)('serve that is killed with -9', () => {
  it('finishes after a restart, with the same audience and one version; progress never falls', {
    timeout: 300_000,
  }, async () => {
    let served = await Served.start({ ...world, dataDir });
    const store = await openStore(dataDir, {
      clock: systemClock,
      minimumSeeds: 10,
      leaseMs: 15_000,
      maximumAttempts: 100,
    });
    const { stateOf, close } = openStates(dataDir);
    const entriesOf = (id: string) =>
      existsSync(join(dataDir, 'audiences', id)) ? readdirSync(join(dataDir, 'audiences', id)) : [];
    const isWritten = (id: string) => entriesOf(id).some((entry) => !entry.includes('.'));
    /** A campaign whose engine stands still at a stage. */
    const freezeAt = async ({ engine }: Served, name: string, isThere: (id: string) => boolean): Promise<string> => {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const id = await served.create(campaign);
        if (!spinUntil(() => isThere(id) || stateOf(id) === 'ready')) throw new Error(`${name} never came`);
        freeze(engine);
        if (isThere(id)) return id;
        process.kill(engine, 'SIGCONT');
        await served.ended(id);
      }
      throw new Error(`the stage "${name}" was missed ${TRIES} times`);
    };
    const reference = await served.create(campaign);
    await served.ended(reference);
    const expected = digestOf(join(dataDir, (await store.activeAudience(reference)).folder));

    const stages: readonly (readonly [name: string, victim: 'api' | 'all', condition: (id: string) => boolean])[] = [
      ['queued', 'api', (id) => stateOf(id) === 'queued'],
      ['adapting', 'all', (id) => stateOf(id) === 'adapting'],
      ['scoring', 'api', (id) => stateOf(id) === 'scoring' && entriesOf(id).length === 0],
      ['writing the ranking', 'all', (id) => entriesOf(id).length > 0 && !isWritten(id)],
    ];
    // one kill of each kind, or all of them
    for (const [name, victim, condition] of IS_LONG ? stages : stages.slice(1, 3)) {
      const { api, engine } = served;
      const id = await freezeAt(served, name, condition);
      const { progress } = await store.get(id);
      if (victim === 'all') killDead(engine);
      killDead(api);
      if (victim === 'api') process.kill(engine, 'SIGCONT');
      await expect.poll(() => isAlive(engine), { timeout: ORPHAN_MS }).toBe(false);
      served.killGroup();
      served = await Served.start({ ...world, dataDir });
      const first = await served.call('GET', `/v1/campaigns/${id}`);
      expect(first.json.progress).toBeGreaterThanOrEqual(progress);
      const ended = await served.ended(id);
      expect([name, ended.state, ended.progress, ended.audience_version]).toEqual([name, 'ready', 1, 1]);
      expect([name, digestOf(join(dataDir, (await store.activeAudience(id)).folder))]).toEqual([name, expected]);
      expect([name, entriesOf(id).length]).toEqual([name, 1]);
    }
    expect(
      (await served.call('GET', '/v1/campaigns?limit=200')).json.items.map((each: { state: string }) => each.state),
    ).not.toContain('failed');
    const database = connect(join(dataDir, 'metaheac.db'), { readonly: true });
    expect(database.prepare('SELECT max(version) AS version FROM audiences').get()).toEqual({ version: 1 });
    database.close();
    close();
    await store.close();
  });
});
