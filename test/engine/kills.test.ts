/**
 * The engine is killed with -9 at each stage of an expansion: it starts again and ends with the same audience, once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { digestOf } from '../fixture/digest.ts';
import { freeze, HAS_PROC, isAlive, killDead } from '../fixture/processes.ts';
import { IS_LONG } from '../fixture/size.ts';
import { STAGE_NAMES, type StageName, Stages } from '../fixture/stages.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { freezeAt, type Rig, startRig } from './rig.ts';

const world = await tinyWorld();
const campaign = world.campaigns[0]!;
const stages = new Stages();
/** What the folder of a campaign contains at the stages in which files are made. */
const ENTRIES: Readonly<Partial<Record<StageName, readonly ('new' | 'ranking')[]>>> = {
  'while the ranking is written': ['new'],
  'between the renamed ranking and its row': ['ranking'],
};

describe.skipIf(!HAS_PROC)('an engine that is killed with -9', () => {
  beforeAll(() => {
    for (const [name, value] of Object.entries(stages.env)) vi.stubEnv(name, value);
  });
  afterAll(() => void vi.unstubAllEnvs());

  it('ends with the same audience and one version, whatever the stage, and progress never falls', {
    timeout: 240_000,
  }, async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 100 });
    const reference = await rig.create(campaign);
    await rig.ended(reference);
    const expected = digestOf(await rig.folderOf(reference));
    for (const [i, stage] of STAGE_NAMES.slice(IS_LONG ? 0 : 2).entries()) {
      const id = await freezeAt(rig, stage, campaign, stages);
      const entries = rig.entriesOf(id).map((entry) => (entry.includes('.new-') ? 'new' : 'ranking'));
      // the state is "scoring" until the row is written
      if (stage in ENTRIES) expect([stage, entries]).toEqual([stage, ENTRIES[stage]]);
      killDead(rig.engine());
      const { state, audienceVersion, progress } = await rig.ended(id);
      expect([stage, state, audienceVersion, progress]).toEqual([stage, 'ready', 1, 1]);
      expect([stage, digestOf(await rig.folderOf(id))]).toEqual([stage, expected]);
      expect([stage, rig.entriesOf(id).length]).toEqual([stage, 1]);
      expect(rig.supervisor.state).toMatchObject({ ready: true, restarts: i + 1 });
    }
  });

  it('costs no expansion that waits for its thread', { timeout: 120_000 }, async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 100 });
    const engine = rig.engine();
    freeze(engine);
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) ids.push(await rig.create(world.campaigns[i % world.campaigns.length]!));
    // the engine holds four: it is finishing the first, its thread has the second, and the others wait for the thread
    stages.stopBefore(engine, `audiences/${ids[0]}`);
    killDead(engine);
    await nextEngine(rig, engine);
    expect(rig.states.suspects()).toBeLessThan(4);
    for (const id of ids) expect(await rig.ended(id)).toMatchObject({ state: 'ready', audienceVersion: 1 });
  });

  it('fails an expansion that kills it each time, and the expansions beside it become ready', {
    timeout: 120_000,
  }, async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 3 });
    let engine = rig.engine();
    freeze(engine);
    const poison = await rig.create(campaign);
    const others = [1, 2, 3].map((i) => rig.create(world.campaigns[i]!));
    const ids = await Promise.all(others);
    for (let death = 1; death <= 3; death++) {
      stages.stopBefore(engine, `audiences/${poison}`);
      killDead(engine);
      engine = await nextEngine(rig, engine);
    }
    const reason = { code: 'crashed', message: 'the engine died in 3 of 3 attempts', attempts: 3 };
    expect(await rig.ended(poison)).toMatchObject({ state: 'failed', reason });
    for (const id of ids) expect((await rig.ended(id)).state).toBe('ready');
  });

  it('takes a job down with it at its last attempt, and no other; one that is stopped on purpose takes none', async () => {
    const rig = await startRig({ ...world, threads: 1, maximumAttempts: 1 });
    const poison = await freezeAt(rig, 'adapting', campaign);
    const victim = rig.engine();
    // it would claim the next as well if it went on, which would then be lost with it
    const next = await rig.create(world.campaigns[1]!);
    killDead(victim);
    expect(await rig.ended(poison)).toMatchObject({ state: 'failed', reason: { code: 'crashed', attempts: 1 } });
    expect((await rig.ended(next)).state).toBe('ready');

    const id = await freezeAt(rig, 'adapting', campaign);
    const engine = rig.engine();
    const stopped = rig.supervisor.stop();
    process.kill(engine, 'SIGCONT');
    await stopped;
    expect(isAlive(engine)).toBe(false);
    expect(await rig.store.get(id)).toMatchObject({ state: 'queued', reason: null });
    expect(await rig.store.claim('1:test')).toMatchObject({ attempt: 1 });
  });
});

/** The engine that follows a dead one. */
async function nextEngine({ engine }: Rig, dead: number): Promise<number> {
  for (;;) {
    try {
      const next = engine();
      if (next !== dead) return next;
    } catch {
      // none has been started yet
    }
    await sleep(5);
  }
}
