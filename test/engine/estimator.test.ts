/**
 * Estimates in a real thread: what they depend on, whom they leave out, how they end in time, and that another model's
 * folder is refused.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { SetOwner } from '../../src/domain/user-sets.ts';
import { Estimator } from '../../src/engine/expansion/estimator.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { newSetName, userSetFile } from '../../src/storage/files/set-file.ts';
import { writeBlocks } from '../../src/storage/files/writer.ts';
import { locateStore } from '../../src/storage/open-store.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { IS_LONG, itUsual } from '../fixture/size.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { valuesOf } from '../fixture/user-values.ts';
import { buildRig, startRig } from './rig.ts';

const world = await tinyWorld();
const population = openPopulation(world.population);
const dataDir = temporaryFolder();
const data = {
  model: world.model,
  modelVersion: readModelFolder(world.model).manifest.version,
  population: world.population,
  populationVersion: population.version,
  store: locateStore(dataDir),
};
afterAll(() => rmSync(dataDir, { recursive: true }));
const campaign = world.campaigns[0]!;
const rowsOf = (ids: readonly string[]) =>
  Int32Array.from(ids, (id) => population.rowOf[population.directory.find(id)]!).sort();
const seeds = rowsOf(campaign.seeds);
const task = {
  epoch: 1,
  features: campaign.features,
  filters: {},
  seeds,
  seedWeights: null,
  absentSeeds: [],
  negatives: new Int32Array(0),
  negativeWeight: 1,
  suppressed: new Int32Array(0),
  suppressionSet: null,
  minimumSeeds: 10,
  mostSeeds: 150,
  mostCandidates: 1_000,
};
const everyone = population.rowCount;
/** A feature of one token a user, and the two that most have. */
const feature = population.features.find(({ kind }) => kind === 'single')!.name;
const [common, second] = (() => {
  const column = population.readSegment(0).columns.get(feature)!;
  if (column.kind !== 'single') throw new Error('a single-valued feature');
  const counts = new Map<number, number>();
  for (const code of column.codes) if (code !== 0) counts.set(code, (counts.get(code) ?? 0) + 1);
  const codes = [...counts].sort(([, a], [, b]) => b - a).map(([code]) => code);
  return codes.slice(0, 2).map((code) => population.dictionary(feature).token(code));
})();
/** Every third user, and five seeds. */
const optedOut = [...world.userIds.filter((_, i) => i % 3 === 0), ...campaign.seeds.slice(0, 5)];
const LONG_MS = 60_000;

const estimator = new Estimator(1, data);
afterAll(() => estimator.close());

describe('Estimator', () => {
  itUsual('says that its model is being loaded when the time is too short for it', async () => {
    expect(await estimator.estimate(task, 1)).toEqual({ kind: 'loading' });
  });

  itUsual('returns the prediction of the online stage, the same each time', async () => {
    const first = await untilFree(() => estimator.estimate(task, LONG_MS));
    if (first.kind !== 'estimate') throw new Error(first.kind);
    const { users, expected } = first.estimate;
    expect(users).toEqual({
      seeds: seeds.length,
      suppressed: 0,
      filtered: 0,
      outside: 0,
      candidates: everyone - seeds.length,
    });
    const { prediction, candidates } = expected!;
    expect([expected!.seeds, candidates]).toEqual([Math.min(seeds.length, 150), 1_000]);
    expect(prediction.auc!.low).toBeLessThan(prediction.auc!.high);
    expect(['good', 'weak', 'unsure']).toContain(prediction.verdict);
    expect(Object.keys(prediction.recall)).toContain('0.05');
    expect(await estimator.estimate(task, LONG_MS)).toEqual(first);
  });

  itUsual('looks at no more seeds and users than it is told to', async () => {
    const outcome = await estimator.estimate({ ...task, mostSeeds: 12, mostCandidates: 200 }, LONG_MS);
    expect(outcome).toMatchObject({ kind: 'estimate', estimate: { expected: { seeds: 12, candidates: 200 } } });
  });

  itUsual(
    'excludes suppressed users, including seeds, and filtered users, in whatever order and form they come',
    async () => {
      const suppressed = rowsOf([...new Set(optedOut)]);
      const filters = { [feature]: [common!, second!] };
      const given = await estimator.estimate({ ...task, filters, suppressed }, LONG_MS);
      if (given.kind !== 'estimate') throw new Error(given.kind);
      const { users, expected } = given.estimate;
      const left = seeds.filter((row) => !suppressed.includes(row));
      expect([users.seeds, users.suppressed]).toEqual([left.length, suppressed.length]);
      expect(left.length).toBeLessThan(seeds.length);
      expect([users.filtered > 0, users.candidates > 0]).toEqual([true, true]);
      expect(users.seeds + users.suppressed + users.filtered + users.candidates).toBe(everyone);
      expect(expected!.candidates).toBe(Math.min(1_000, users.candidates));
      // of the installation's list, in two parts, and with the tokens in another order, one of them twice
      const blobs = new FileBlobs(dataDir);
      const set = await writeBlocks(blobs, [[...new Set(optedOut), 'nobody'].sort()]);
      const name = newSetName(set.sha256, 0);
      await set.blob.publish(userSetFile(name));
      const others = [
        { ...task, filters, suppressionSet: name },
        { ...task, filters, suppressed: suppressed.slice(0, 50), suppressionSet: name },
        { ...task, filters: { [feature]: [second!, common!, second!] }, suppressed },
      ];
      for (const other of others) expect(await estimator.estimate(other, LONG_MS)).toEqual(given);
      const unfiltered = await estimator.estimate({ ...task, suppressed }, LONG_MS);
      expect(unfiltered).toMatchObject({ estimate: { users: { filtered: 0 } } });
      expect(unfiltered).not.toEqual(given);
    },
  );

  itUsual('learns from weights and negatives, and from equal weights as from none', async () => {
    const expectedOf = async (change: object) => {
      const outcome = await untilFree(() => estimator.estimate({ ...task, ...change }, LONG_MS));
      if (outcome.kind !== 'estimate') throw new Error(outcome.kind);
      return outcome.estimate;
    };
    const plain = await expectedOf({});
    expect(await expectedOf({ seedWeights: new Float64Array(seeds.length).fill(3) })).toEqual(plain);
    expect(await expectedOf({ seedWeights: Float64Array.from(seeds, (_, i) => 1 + (i % 3)) })).not.toEqual(plain);
    const liked = new Set(seeds);
    const negatives = rowsOf(world.campaigns[1]!.seeds).filter((row) => !liked.has(row));
    const taught = await expectedOf({ negatives });
    // negatives are still candidates
    expect(taught.users).toEqual(plain.users);
    expect(taught).not.toEqual(plain);
    expect(await expectedOf({ negatives, negativeWeight: 5 })).not.toEqual(taught);
  });

  itUsual('learns from seeds outside the population who are not on a suppression list', async () => {
    const absentSeeds = valuesOf(population, campaign.seeds.slice(0, 10)).map((features, i) => ({
      ...{ userId: `other-${i}`, weight: 1, features },
    }));
    const estimateOf = async (change: object) => {
      const outcome = await untilFree(() => estimator.estimate({ ...task, absentSeeds, ...change }, LONG_MS));
      if (outcome.kind !== 'estimate') throw new Error(outcome.kind);
      return outcome.estimate;
    };
    const taught = await estimateOf({});
    expect(taught.users).toEqual({ ...(await estimateOf({ absentSeeds: [] })).users, outside: 10 });
    expect(await estimateOf({ absentSeeds: absentSeeds.toReversed() })).toEqual(taught);
    expect((await estimateOf({ mostSeeds: 12 })).expected).toMatchObject({ seeds: 12 });
    const few = { seeds: seeds.slice(0, 3) };
    expect((await estimateOf(few)).expected).toMatchObject({ seeds: 13, fittingSeeds: 3 });
    const blobs = new FileBlobs(dataDir);
    const set = await writeBlocks(blobs, [['other-0', 'other-5'], ['other-9']]);
    const suppressionSet = newSetName(set.sha256, 0);
    await set.blob.publish(userSetFile(suppressionSet));
    expect(await estimateOf({ ...few, suppressionSet })).toMatchObject({ users: { outside: 7 } });
    expect(await estimateOf({ seeds: seeds.slice(0, 2), suppressionSet })).toMatchObject({ expected: null });
  });

  itUsual('tells whom it counted when the time is too short for the rest', async () => {
    for (let timeMs = 2; ; timeMs *= 2) {
      const outcome = await untilFree(() => estimator.estimate({ ...task, mostCandidates: 3_000 }, timeMs));
      if (outcome.kind === 'late' && outcome.users === null) continue;
      const users = {
        seeds: seeds.length,
        suppressed: 0,
        filtered: 0,
        outside: 0,
        candidates: everyone - seeds.length,
      };
      expect(outcome).toEqual({ kind: 'late', users });
      return;
    }
  });

  itUsual('expects nothing when nobody is left, or too few seeds are', async () => {
    const nobody = await estimator.estimate({ ...task, filters: { [feature]: ['of tomorrow'] } }, LONG_MS);
    expect(nobody).toEqual({
      kind: 'estimate',
      estimate: {
        users: { seeds: seeds.length, suppressed: 0, filtered: everyone - seeds.length, outside: 0, candidates: 0 },
        expected: null,
      },
    });
    const few = await estimator.estimate({ ...task, suppressed: seeds.slice(9) }, LONG_MS);
    expect(few).toMatchObject({ estimate: { users: { seeds: 9 }, expected: null } });
  });

  itUsual('throws when the file of the list is gone, and makes the next', async () => {
    const gone = { ...task, suppressionSet: newSetName('f'.repeat(64), 0) };
    await expect(estimator.estimate(gone, LONG_MS)).rejects.toMatchObject({ code: 'storage_failed' });
    expect((await estimator.estimate(task, LONG_MS)).kind).toBe('estimate');
  });

  itUsual('makes one after the other, and says busy when the time went to those before', async () => {
    const first = estimator.estimate(task, LONG_MS);
    const second = estimator.estimate({ ...task, mostSeeds: 12 }, LONG_MS);
    expect(await estimator.estimate(task, 1)).toEqual({ kind: 'busy' });
    expect([(await first).kind, (await second).kind]).toEqual(['estimate', 'estimate']);
    expect(await second).toMatchObject({ estimate: { expected: { seeds: 12 } } });
  });

  itUsual('returns up in time, and is free again soon', async () => {
    const start = performance.now();
    expect(await estimator.estimate({ ...task, mostCandidates: 3_000 }, 1)).toMatchObject({ kind: 'late' });
    expect(performance.now() - start).toBeLessThan(500);
    expect((await untilFree(() => estimator.estimate(task, LONG_MS))).kind).toBe('estimate');
  });

  itUsual('refuses the folder of another model, each time it is asked', async () => {
    const other = new Estimator(1, { ...data, modelVersion: '000000000000' });
    for (let i = 0; i < 2; i++)
      await expect(other.estimate(task, LONG_MS)).rejects.toMatchObject({ code: 'model_unavailable' });
    await other.close();
  });

  itUsual('can be closed before it loads and while it loads', async () => {
    for (const isBegun of [false, true]) {
      const early = new Estimator(1, data);
      const loading = isBegun ? early.estimate(task, LONG_MS) : null;
      await early.close();
      await loading;
      expect(await early.estimate(task, LONG_MS)).toEqual({ kind: 'loading' });
    }
  });

  itUsual('finishes the estimate at work when it is closed, and says loading to those that wait', async () => {
    const former = new Estimator(1, data);
    await former.estimate(task, LONG_MS);
    const first = former.estimate(task, LONG_MS);
    const second = former.estimate(task, LONG_MS);
    await sleep(1);
    await former.close();
    expect((await first).kind).toBe('estimate');
    expect(await second).toEqual({ kind: 'loading' });
  });
});

describe.skipIf(!HAS_PROC)('EngineSupervisor.estimate', () => {
  itUsual('asks the engine, and says loading while there is none, or late while it does not answer', async () => {
    const rig = await buildRig({ ...world, threads: 1 });
    expect(await rig.supervisor.estimate(task, LONG_MS)).toEqual({ kind: 'loading' });
    await rig.supervisor.start();
    const outcome = await rig.supervisor.estimate(task, LONG_MS);
    expect(outcome).toEqual(await untilFree(() => estimator.estimate(task, LONG_MS)));
    // it is late when the engine does not answer
    process.kill(rig.engine(), 'SIGSTOP');
    expect(await rig.supervisor.estimate(task, 50)).toEqual({ kind: 'late', users: null });
    process.kill(rig.engine(), 'SIGCONT');
    // it goes on beside an expansion, and what it is asked when the engine dies is answered
    const id = await rig.create(campaign);
    expect((await rig.supervisor.estimate(task, LONG_MS)).kind).toBe('estimate');
    expect((await rig.ended(id)).state).toBe('ready');
    const asked = rig.supervisor.estimate({ ...task, mostCandidates: 3_000 }, LONG_MS);
    process.kill(rig.engine(), 'SIGKILL');
    expect(await asked).toEqual({ kind: 'loading' });
  });

  it.runIf(IS_LONG)('counts users as an expansion of the same inputs does', async () => {
    const rig = await startRig({ ...world, threads: 1 });
    const change = async (owner: SetOwner, ids: readonly string[]) => {
      const collected = rig.store.userSets.collect();
      for (const id of ids) collected.add(id);
      await rig.store.userSets.change(owner, 'replace', collected, { version: 'p', has: () => true }, 10_000);
      collected.close();
    };
    const filters = { [feature]: [common!] };
    const { id } = await rig.store.create(
      {
        name: 'a',
        features: campaign.features,
        featureCounts: { unknown: 0, missing: 0 },
        filters,
        audience: { size: 9 },
      },
      () => true,
    );
    await change({ kind: 'seeds', campaignId: id }, campaign.seeds);
    await change({ kind: 'suppression', campaignId: id }, optedOut.slice(100));
    await change({ kind: 'common_suppression' }, optedOut.slice(0, 200));
    const outcome = await untilFree(async () =>
      rig.supervisor.estimate(
        {
          ...task,
          filters,
          suppressed: rowsOf(optedOut.slice(100)),
          suppressionSet: await rig.store.userSets.find({ kind: 'common_suppression' }),
        },
        LONG_MS,
      ),
    );
    await rig.store.expand(id);
    rig.supervisor.wake();
    const { state, excluded, candidates } = await rig.ended(id);
    expect(state).toBe('ready');
    expect(outcome).toMatchObject({ kind: 'estimate', estimate: { users: { ...excluded!, candidates } } });
  });
});

/** The one before, which nobody waits for any more, ends first. */
async function untilFree<T extends { readonly kind: string }>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const outcome = await ask();
    if (outcome.kind !== 'busy') return outcome;
    await sleep(20);
  }
}
