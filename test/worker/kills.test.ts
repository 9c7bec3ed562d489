/** The engine is killed with -9 at each stage of an expansion: it starts again and ends with the same audience, once. */
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { HAS_PROC, isAlive, killDead, spinUntil } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { digestOf, type Rig, startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
/** A stage of milliseconds may be missed: then another campaign is tried. */
const TRIES = 20;

const isWriting = (rig: Rig, id: string) => rig.entriesOf(id).some((entry) => entry.includes('.new-'));
const isWritten = (rig: Rig, id: string) => rig.entriesOf(id).some((entry) => !entry.includes('.'));
const stateOf = (rig: Rig, id: string) => rig.store.get(id).state;

/** How an engine is caught at a stage, and what shows that it was: both without a turn of the event loop. */
interface Stage {
  readonly name: string;
  /** Kills the engine; false where the stage was missed. */
  kill(rig: Rig, id: string, engine: number): boolean;
}

const killWhen =
  (condition: (rig: Rig, id: string) => boolean): Stage['kill'] =>
  (rig, id, engine) => {
    if (!spinUntil(() => condition(rig, id) || stateOf(rig, id) === 'ready')) throw new Error('the stage never came');
    killDead(engine);
    return condition(rig, id);
  };

const STAGES: readonly Stage[] = [
  {
    name: 'queued',
    kill(rig, id, engine) {
      killDead(engine);
      return stateOf(rig, id) === 'queued';
    },
  },
  { name: 'adapting', kill: killWhen((rig, id) => stateOf(rig, id) === 'adapting') },
  {
    name: 'scoring',
    kill: killWhen((rig, id) => stateOf(rig, id) === 'scoring' && rig.entriesOf(id).length === 0),
  },
  { name: 'while the ranking is written', kill: killWhen((rig, id) => isWriting(rig, id) && !isWritten(rig, id)) },
  {
    name: 'between the renamed ranking and its row',
    kill(rig, id, engine) {
      if (!spinUntil(() => isWriting(rig, id) || stateOf(rig, id) === 'ready')) throw new Error('nothing is written');
      process.kill(engine, 'SIGSTOP');
      // With the write lock in other hands the engine comes as far as its row, and no further.
      const database = new Sqlite(join(rig.dataDir, 'metaheac.db'), { timeout: 0 });
      try {
        database.exec('BEGIN IMMEDIATE');
        process.kill(engine, 'SIGCONT');
        return spinUntil(() => isWritten(rig, id), 3000) && stateOf(rig, id) === 'scoring';
      } catch {
        return false; // it was already about to write the row
      } finally {
        killDead(engine);
        database.close();
      }
    },
  },
];

describe.skipIf(!HAS_PROC)('an engine that is killed with -9', () => {
  it('ends with the same audience and one version, whatever the stage, and progress never falls', {
    timeout: 240_000,
  }, async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 100 });
    const reference = rig.create(campaign);
    await rig.ended(reference);
    const expected = digestOf(rig.folderOf(reference));
    let kills = 0;
    for (const { name, kill } of STAGES) {
      for (let attempt = 1; ; attempt++) {
        if (attempt > TRIES) throw new Error(`the stage "${name}" was missed ${TRIES} times`);
        const id = rig.create(campaign);
        const isHit = kill(rig, id, rig.engine());
        kills += 1;
        const ended = await rig.ended(id);
        expect([name, ended.state, ended.audienceVersion, ended.progress]).toEqual([name, 'ready', 1, 1]);
        expect([name, digestOf(rig.folderOf(id))]).toEqual([name, expected]);
        expect([name, rig.entriesOf(id).length]).toEqual([name, 1]);
        await expect
          .poll(() => rig.supervisor.state, { timeout: 30_000 })
          .toMatchObject({ ready: true, restarts: kills });
        if (isHit) break;
      }
    }
  });

  it('takes a job down with it at its last attempt, and no other; one that is stopped on purpose takes none', async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 1 });
    const isAdapting = (id: string) =>
      expect.poll(() => stateOf(rig, id), { interval: 1, timeout: 30_000 }).toBe('adapting');
    const poison = rig.create(campaign);
    const next = rig.create(world.campaigns[1]!);
    await isAdapting(poison);
    killDead(rig.engine());
    expect(await rig.ended(poison)).toMatchObject({ state: 'failed', reason: { code: 'crashed', attempts: 1 } });
    expect((await rig.ended(next)).state).toBe('ready');

    const id = rig.create(campaign);
    await isAdapting(id);
    const engine = rig.engine();
    await rig.supervisor.stop();
    expect(isAlive(engine)).toBe(false);
    expect(rig.store.get(id)).toMatchObject({ state: 'queued', reason: null });
    expect(rig.store.claim('1:test')).toMatchObject({ attempt: 1 });
  });
});
