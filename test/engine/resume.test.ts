/** An expansion that a stop cuts off goes on at its last finished segment, and ends with the same bytes. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findRoles } from '../../src/audience/find-roles.ts';
import { checkpointFolder } from '../../src/domain/ranking-name.ts';
import { isEnd } from '../../src/domain/states.ts';
import { adaptAndScore } from '../../src/engine/expansion/adapt-and-score.ts';
import { Checkpoints } from '../../src/engine/expansion/checkpoints.ts';
import { customiseTask, roleIdsOf } from '../../src/engine/expansion/expansion-users.ts';
import { ThreadPool } from '../../src/engine/pool.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Cancellation } from '../../src/lib/threads/cancellation.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { digestOf } from '../fixture/digest.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { freeze, HAS_PROC, spinUntil } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { buildRig, type Rig, startRig } from './rig.ts';

const world = await tinyWorld();
const campaigns = world.campaigns.slice(0, 2);
const campaign = campaigns[0]!;
/** It may be ready before it is seen: then others are tried. */
const TRIES = 20;
const STOPS = 3;
/** An engine that starts, and two adaptations, beside other tests. */
const SCORED_MS = 90_000;
const fail = (error: Error) => {
  throw error;
};

/** A job, a thread, and keepers on one folder: each is that of an engine. */
async function startAttempts() {
  const rig = await buildRig({ ...world, population: world.wide });
  await rig.create(campaign);
  const job = (await rig.store.claim('1:test'))!;
  const population = openPopulation(world.wide);
  const modelVersion = readModelFolder(world.model).manifest.version;
  const pool = await ThreadPool.open(1, { model: world.model, population: world.wide, device: 'cpu' });
  onTestFinished(() => pool.close());
  const rows = await findRoles(population, await roleIdsOf(rig.store, job), job.filters);
  const task = customiseTask(job, modelVersion, population, rows);
  const blobs = new FileBlobs(temporaryFolder());
  const newKeeper = () =>
    new Checkpoints({ blobs, hasRoom: () => true, clock: systemClock, keptWorkMs: 0, computedBy: 'these tests' });
  /** Users by segment, as they are scored; after `cutAfter` segments the engine is told to stop. */
  const attempt = async (cutAfter = Number.POSITIVE_INFINITY, of = task) => {
    const cancellation = new Cancellation();
    const keeper = newKeeper();
    const [scored, resumed]: number[][] = [[], []];
    let saving: Promise<number> | null = null;
    const work = {
      job,
      pins: { modelVersion: 'm', populationVersion: 'p' },
      population,
      task: of,
      shares: { adapting: 0.2, reporting: 0.6, scoring: 0.2 },
    };
    const result = adaptAndScore({ pool, keeper, clock: systemClock }, work, cancellation, {
      onResumed: (segments) => resumed!.push(segments),
      onProgress: () => {},
      onAdapted: async () => {},
      onAllScored: async () => {},
      mark: { begin() {}, end() {} },
      onScored: (users) => {
        // the engine would be gone by then
        if (cancellation.isCancelled) return;
        scored!.push(users);
        if (scored!.length !== cutAfter) return;
        saving = keeper.saveAll(fail);
        cancellation.cancel();
      },
    });
    const isCut = Number.isFinite(cutAfter);
    const ended = isCut ? await result.catch(() => null) : await result;
    expect(await saving).toBe(isCut ? 1 : null);
    return { ended: isCut ? null : told(ended!), scored: scored!, resumed: resumed! };
  };
  return { pool, attempt, task, kept: () => blobs.list(checkpointFolder(job.campaignId, job.expansionId)) };
}

/** What is stored of it. */
function told({ scores, batchSize, customised }: Awaited<ReturnType<typeof adaptAndScore>>) {
  const { customised: model, epochs, quality, prediction } = customised;
  return { scores: Buffer.from(scores.buffer), batchSize, model: Buffer.from(model), epochs, quality, prediction };
}

it('an expansion that a stop cuts off goes on at its last finished segment, unless its seeds have changed', {
  timeout: 240_000,
}, async () => {
  const { pool, attempt, task, kept } = await startAttempts();
  expect(pool.isAdapting).toBe(false);
  const running = attempt();
  // it takes the thread of its engine until the report is finished
  await vi.waitFor(() => expect(pool.isAdapting).toBe(true), { timeout: SCORED_MS, interval: 1 });
  const whole = await running;
  expect(pool.isAdapting).toBe(false);
  expect([whole.scored.length, whole.resumed, await kept()]).toEqual([2, [], []]);
  const first = await attempt(1);
  expect([first.scored.length, await kept()]).toEqual([1, ['work.bin']]);
  const second = await attempt(1);
  expect([second.resumed, [...first.scored, ...second.scored]]).toEqual([[1], whole.scored]);
  const third = await attempt();
  expect([third.resumed, third.scored, await kept()]).toEqual([[2], [], []]);
  expect(third.ended).toEqual(whole.ended);

  const changed = { ...task, key: 'of fewer seeds', seeds: task.seeds.slice(1) };
  const wholeOfChanged = await attempt(Number.POSITIVE_INFINITY, changed);
  await attempt(1);
  const next = await attempt(Number.POSITIVE_INFINITY, changed);
  expect([next.resumed, next.scored.length, await kept()]).toEqual([[], 2, []]);
  expect(next.ended).toEqual(wholeOfChanged.ended);
});

/** Campaigns whose engine stands still when the model of the first is made, and it is not ready. */
async function freezeInTheMiddle(rig: Rig): Promise<string[]> {
  const { stateOf } = rig.states;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const ids = await Promise.all(campaigns.map((each) => rig.create(each)));
    // one thread adapts one after the other, before it scores any
    const isScored = () => stateOf(ids[1]!) === 'scoring' || isEnd(stateOf(ids[1]!));
    if (!spinUntil(isScored, SCORED_MS)) throw new Error('never scored');
    freeze(rig.engine());
    if (!isEnd(stateOf(ids[0]!))) return ids;
    process.kill(rig.engine(), 'SIGCONT');
    for (const id of ids) await rig.ended(id);
  }
  throw new Error(`the middle was missed ${TRIES} times`);
}

/** Stops it there; where the first campaign ends before the engine has read that it is to stop, another is tried. */
async function stopInTheMiddle() {
  for (let attempt = 0; attempt < STOPS; attempt++) {
    const rig = await startRig({ ...world, population: world.wide, threads: 1 });
    const ids = await freezeInTheMiddle(rig);
    const stopped = rig.supervisor.stop();
    process.kill(rig.engine(), 'SIGCONT');
    await stopped;
    if (!isEnd((await rig.store.get(ids[0]!)).state!)) return { first: rig, ids };
  }
  throw new Error(`the first campaign ended before it was stopped, ${STOPS} times`);
}

describe.skipIf(!HAS_PROC)('an engine that is stopped', () => {
  it('keeps what is unfinished, with which the next one goes on to the same audiences', {
    timeout: 240_000,
  }, async () => {
    const { first, ids } = await stopInTheMiddle();
    expect((await first.store.get(ids[0]!)).state).toBe('queued');
    expect(first.entriesOf(ids[0]!)).toEqual([`${(await first.store.get(ids[0]!)).expansionId}.kept`]);

    const next = await startRig({ ...world, population: world.wide, threads: 1, dataDir: first.dataDir });
    const facts = async (id: string) => {
      const { quality, state } = (await next.store.expansionsOf(id, { limit: 1 })).items[0]!;
      return { quality, state, files: digestOf(await next.folderOf(id)) };
    };
    for (const id of ids) expect((await next.ended(id)).state).toBe('ready');
    expect(next.entriesOf(ids[0]!)).toEqual([(await next.store.get(ids[0]!)).expansionId]);
    const undisturbed = await Promise.all(campaigns.map((each) => next.create(each)));
    for (const id of undisturbed) await next.ended(id);
    expect(await Promise.all(ids.map(facts))).toEqual(await Promise.all(undisturbed.map(facts)));
  });
});
