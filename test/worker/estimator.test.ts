/** Estimates in a real thread: what they depend on, how they end in time, and that another model's folder is refused. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/population.ts';
import { Estimator } from '../../src/worker/estimator.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { buildRig, startRig } from './rig.ts';

const world = await tinyWorld();
const population = openPopulation(world.population);
const data = {
  model: world.model,
  modelVersion: readModelFolder(world.model).manifest.version,
  population: world.population,
  populationVersion: population.version,
};
const campaign = world.campaigns[0]!;
const seeds = Int32Array.from(campaign.seeds, (id) => population.rowOf[population.directory.find(id)]!).sort();
const task = { features: campaign.features, seeds, mostSeeds: 150, mostCandidates: 1_000 };
const LONG_MS = 60_000;

const estimator = new Estimator(data);
afterAll(() => estimator.close());

describe('Estimator', () => {
  it('says that its model is being loaded where the time is too short for it', async () => {
    expect(await estimator.estimate(task, 1)).toEqual({ kind: 'loading' });
    await estimator.warm();
  });

  it('gives the prediction of the online stage, the same each time', async () => {
    const first = await untilFree(() => estimator.estimate(task, LONG_MS));
    if (first.kind !== 'estimate') throw new Error(first.kind);
    const { prediction, candidates } = first.estimate;
    expect([first.estimate.seeds, candidates]).toEqual([Math.min(seeds.length, 150), 1_000]);
    expect(prediction.auc!.low).toBeLessThan(prediction.auc!.high);
    expect(['good', 'weak', 'unsure']).toContain(prediction.verdict);
    expect(Object.keys(prediction.recall)).toContain('0.05');
    expect(await estimator.estimate(task, LONG_MS)).toEqual(first);
  });

  it('looks at no more seeds and users than it is told to', async () => {
    const outcome = await estimator.estimate({ ...task, mostSeeds: 12, mostCandidates: 200 }, LONG_MS);
    expect(outcome).toMatchObject({ kind: 'estimate', estimate: { seeds: 12, candidates: 200 } });
  });

  it('makes one after the other, and says busy where the time went to those before', async () => {
    const first = estimator.estimate(task, LONG_MS);
    const second = estimator.estimate({ ...task, mostSeeds: 12 }, LONG_MS);
    expect(await estimator.estimate(task, 1)).toEqual({ kind: 'busy' });
    expect([(await first).kind, (await second).kind]).toEqual(['estimate', 'estimate']);
    expect(await second).toMatchObject({ estimate: { seeds: 12 } });
  });

  it('gives up in time, and is free again soon', async () => {
    const start = performance.now();
    expect(await estimator.estimate({ ...task, mostCandidates: 3_000 }, 1)).toEqual({ kind: 'late' });
    expect(performance.now() - start).toBeLessThan(500);
    expect((await untilFree(() => estimator.estimate(task, LONG_MS))).kind).toBe('estimate');
  });

  it('refuses the folder of another model, each time it is asked', async () => {
    const other = new Estimator({ ...data, modelVersion: '000000000000' });
    for (let i = 0; i < 2; i++)
      await expect(other.estimate(task, LONG_MS)).rejects.toMatchObject({ code: 'model_unavailable' });
    await other.close();
  });

  it('can be closed while it loads', async () => {
    const early = new Estimator(data);
    const loading = early.warm();
    await early.close();
    await loading;
    await expect(early.estimate(task, LONG_MS)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe.skipIf(!HAS_PROC)('EngineSupervisor.estimate', () => {
  it('asks the engine, and says loading while there is none', async () => {
    const rig = buildRig({ ...world, threads: 1 });
    expect(await rig.supervisor.estimate(task, LONG_MS)).toEqual({ kind: 'loading' });
    await rig.supervisor.start();
    const outcome = await rig.supervisor.estimate(task, LONG_MS);
    expect(outcome).toEqual(await untilFree(() => estimator.estimate(task, LONG_MS)));
    // it goes on beside an expansion, and what it is asked when the engine dies is answered
    const id = rig.create(campaign);
    expect((await rig.supervisor.estimate(task, LONG_MS)).kind).toBe('estimate');
    expect((await rig.ended(id)).state).toBe('ready');
    const asked = rig.supervisor.estimate({ ...task, mostCandidates: 3_000 }, LONG_MS);
    process.kill(rig.engine(), 'SIGKILL');
    expect(await asked).toEqual({ kind: 'loading' });
  });

  it('is late where the engine does not answer', async () => {
    const rig = await startRig({ ...world, threads: 1 });
    process.kill(rig.engine(), 'SIGSTOP');
    expect(await rig.supervisor.estimate(task, 50)).toEqual({ kind: 'late' });
    process.kill(rig.engine(), 'SIGCONT');
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
