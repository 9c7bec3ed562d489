/**
 * The engine is killed with -9 at each stage of an expansion: it starts again and ends with the same audience, once.
 */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect } from '../../src/storage/sqlite/database/driver.ts';
import { digestOf } from '../fixture/digest.ts';
import { freeze, HAS_PROC, isAlive, killDead, spinUntil } from '../fixture/processes.ts';
import { IS_LONG } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { type Rig, startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
/** A stage of milliseconds may be missed: then another campaign is tried. */
const TRIES = 50;

const isWriting = (rig: Rig, id: string) => rig.entriesOf(id).some((entry) => entry.includes('.new-'));
const isWritten = (rig: Rig, id: string) => rig.entriesOf(id).some((entry) => !entry.includes('.'));
/** Stages by what shows them. */
const STAGES: Readonly<Record<string, (rig: Rig, id: string) => boolean>> = {
  queued: (rig, id) => rig.stateOf(id) === 'queued',
  adapting: (rig, id) => rig.stateOf(id) === 'adapting',
  scoring: (rig, id) => rig.stateOf(id) === 'scoring' && rig.entriesOf(id).length === 0,
  'while the ranking is written': (rig, id) => isWriting(rig, id) && !isWritten(rig, id),
  'between the renamed ranking and its row': (rig, id) => isWritten(rig, id) && rig.stateOf(id) === 'scoring',
};

/** A campaign whose engine stands still at a stage. */
async function freezeAt(rig: Rig, stage: string): Promise<string> {
  const isThere = STAGES[stage]!;
  const isLast = stage === 'between the renamed ranking and its row';
  const engine = rig.engine();
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const id = await rig.create(campaign);
    const before = isLast ? STAGES['while the ranking is written']! : isThere;
    // Without a turn of the event loop: what is seen is what the engine has done.
    if (!spinUntil(() => before(rig, id) || rig.stateOf(id) === 'ready')) throw new Error(`${stage} never came`);
    freeze(engine);
    if (isLast) goOnToTheRow(rig, id, engine);
    if (isThere(rig, id)) return id;
    process.kill(engine, 'SIGCONT');
    await rig.ended(id);
  }
  throw new Error(`the stage "${stage}" was missed ${TRIES} times`);
}

/**
 * With the write lock in other hands the engine comes as far as its row, and no further, unless it was there already.
 */
function goOnToTheRow(rig: Rig, id: string, engine: number): void {
  const database = connect(join(rig.dataDir, 'metaheac.db'), { timeout: 0 });
  try {
    database.exec('BEGIN IMMEDIATE');
    process.kill(engine, 'SIGCONT');
    spinUntil(() => isWritten(rig, id), 3000);
    freeze(engine);
  } catch {
    // The lock is the engine's: it stands still in the middle of its commit.
  } finally {
    database.close();
  }
}

describe.skipIf(!HAS_PROC)('an engine that is killed with -9', () => {
  it('ends with the same audience and one version, whatever the stage, and progress never falls', {
    timeout: 240_000,
  }, async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 100 });
    const reference = await rig.create(campaign);
    await rig.ended(reference);
    const expected = digestOf(await rig.folderOf(reference));
    for (const [i, stage] of Object.keys(STAGES)
      .slice(IS_LONG ? 0 : 2)
      .entries()) {
      const id = await freezeAt(rig, stage);
      killDead(rig.engine());
      const ended = await rig.ended(id);
      expect([stage, ended.state, ended.audienceVersion, ended.progress]).toEqual([stage, 'ready', 1, 1]);
      expect([stage, digestOf(await rig.folderOf(id))]).toEqual([stage, expected]);
      expect([stage, rig.entriesOf(id).length]).toEqual([stage, 1]);
      expect(rig.supervisor.state).toMatchObject({ ready: true, restarts: i + 1 });
    }
  });

  it('takes a job down with it at its last attempt, and no other; one that is stopped on purpose takes none', async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 1 });
    const isAdapting = (id: string) =>
      expect.poll(() => rig.stateOf(id), { interval: 1, timeout: 30_000 }).toBe('adapting');
    const poison = await rig.create(campaign);
    await isAdapting(poison);
    const victim = rig.engine();
    // it would claim the next as well, which would then be lost with it
    freeze(victim);
    const next = await rig.create(world.campaigns[1]!);
    killDead(victim);
    expect(await rig.ended(poison)).toMatchObject({ state: 'failed', reason: { code: 'crashed', attempts: 1 } });
    expect((await rig.ended(next)).state).toBe('ready');

    const id = await rig.create(campaign);
    await isAdapting(id);
    const engine = rig.engine();
    await rig.supervisor.stop();
    expect(isAlive(engine)).toBe(false);
    expect(await rig.store.get(id)).toMatchObject({ state: 'queued', reason: null });
    expect(await rig.store.claim('1:test')).toMatchObject({ attempt: 1 });
  });
});
