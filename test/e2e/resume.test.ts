/** SIGTERM in the middle of expansions: the next start goes on with what was finished, to the same audiences. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkpointFolder } from '../../src/domain/ranking-name.ts';
import { isEnd } from '../../src/domain/states.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { openStore } from '../../src/storage/sqlite/open-store.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { freeze, HAS_PROC, spinUntil } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { openStates } from '../fixture/states.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
/** They may be ready before they are seen: then others are tried. */
const TRIES = 20;

describe.skipIf(!HAS_PROC)('serve that is stopped while it expands campaigns', () => {
  it('continues them at the next start', { timeout: 240_000 }, async () => {
    const dataDir = temporaryFolder();
    const options = { ...world, population: world.wide, dataDir, limits: { keptWorkMs: 1 } };
    const served = await Served.start(options);
    const store = await openStore(dataDir, {
      clock: systemClock,
      minimumSeeds: 10,
      leaseMs: 15_000,
      maximumAttempts: 5,
    });
    const states = openStates(dataDir);
    const createAll = () => Promise.all(world.campaigns.map((campaign) => served.create(campaign)));
    const { engine } = served;
    let ids: string[] = [];
    let isFrozen = false;
    for (let attempt = 0; attempt < TRIES && !isFrozen; attempt++) {
      ids = await createAll();
      const isAdapted = (id: string) => states.stateOf(id) === 'scoring' || isEnd(states.stateOf(id));
      // the one thread has finished the first model when it adapts the second
      if (!spinUntil(() => ids.filter(isAdapted).length > 1)) throw new Error('no two were adapted');
      freeze(engine);
      isFrozen = !ids.some((id) => isEnd(states.stateOf(id)));
      if (!isFrozen) process.kill(engine, 'SIGCONT');
    }
    process.kill(served.api, 'SIGTERM');
    await served.until(() => served.log.includes('the engine was told to stop'), 'tells its engine');
    process.kill(engine, 'SIGCONT');
    expect((await served.exited()).code).toBe(0);
    const unfinished: string[] = [];
    for (const id of ids) {
      const { expansionId } = await store.get(id);
      if (existsSync(join(dataDir, checkpointFolder(id, expansionId!)))) unfinished.push(id);
    }
    expect(unfinished.length).toBeGreaterThan(0);

    const next = await Served.start(options);
    for (const id of ids) expect(await next.ended(id)).toMatchObject({ state: 'ready', audience_version: 1 });
    expect(next.log.split('expansion resumed from a checkpoint')).toHaveLength(1 + unfinished.length);
    const digest = async (id: string) => digestOf(join(dataDir, (await store.activeAudience(id)).folder));
    const digests = await Promise.all(ids.map(digest));
    const again = await Promise.all(world.campaigns.map((campaign) => next.create(campaign)));
    for (const id of again) await next.ended(id);
    expect(digests).toEqual(await Promise.all(again.map(digest)));
    states.close();
    await store.close();
  });
});
