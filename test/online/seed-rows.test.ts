/** Seeds who are not in the population: the model learns from them as from users with equal features. */
import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { GeneralModel } from '../../src/model/load.ts';
import { BoundModel } from '../../src/online/bound-model.ts';
import type { OnlineContext } from '../../src/online/online-context.ts';
import { samplePlan } from '../../src/online/plan.ts';
import { type Population, readAddedRows } from '../../src/population/read.ts';
import { DEFAULT_DESCENT } from '../../src/training/choices/descent.ts';
import { valuesOf } from '../fixture/user-values.ts';
import { closeContext, headsContext, requestFor, sampleHeadsUsers } from './heads-world.ts';
import { newRoot, openWorld, splitRows } from './world.ts';

const root = newRoot();
const world = await openWorld(300, { early_stopping: null });
const heads = await headsContext(root, sampleHeadsUsers(300), { regression: DEFAULT_DESCENT.regression });
afterAll(async () => {
  await closeContext(heads);
  await world.close();
  rmSync(root, { recursive: true, force: true });
});

function rowsOf(population: Population, rows: Int32Array) {
  const ids = Array.from(population.readRows(rows).userNumbers, (user) => population.directory.id(user));
  return readAddedRows(population, valuesOf(population, ids));
}

describe('seeds who are not in the population', () => {
  it.each<[string, OnlineContext]>([
    ['adam', world.context],
    ['heads and a regression', heads],
  ])('make the parameters of seeds with equal features, by %s', async (_, { model, program, population }) => {
    const bound = await BoundModel.open(model as GeneralModel, program, population);
    const { fans, others } = splitRows(population);
    const request = { ...requestFor({ fans, others }, fans.slice(0, 30)), externalId: null, withoutQuality: true };
    const known = await bound.customise(request);
    const own = request.seeds.slice(0, 10);
    const seedRows = await rowsOf(population, request.seeds.slice(10));
    const seeds = Int32Array.from([...own, ...Array.from({ length: 20 }, (_, i) => seedRows.firstRow + i)]);
    const taught = await bound.customise({ ...request, seeds, seedRows });
    expect(taught.parameters).toEqual(known.parameters);
    // the rows are never held out
    const { prediction } = await bound.customise({ ...request, seeds, seedRows, withoutQuality: false });
    expect(prediction!.fitting_seeds).toBe(10);
    await bound.close();
  });

  it('are in every pass of a plan', async () => {
    const { population } = world.context;
    const seedRows = await rowsOf(population, Int32Array.of(1, 2, 3));
    const seeds = Int32Array.from([...Array(10).keys(), 300, 301, 302]);
    const candidates = Int32Array.from({ length: 100 }, (_, i) => 20 + i);
    const early_stopping = { held_out_share: 0.2, minimum_held_out: 3 };
    const settings = { optimiser: 'adam', rate: 0.003, epochs: 1, batch: 512, negatives_per_seed: 1 } as const;
    const { folds } = samplePlan(
      'k',
      { seeds, seedRows, candidates },
      {
        ...settings,
        resample_negatives: false,
        early_stopping,
      },
    );
    expect(folds.flatMap(({ heldOut }) => [...heldOut]).sort((a, b) => a - b)).toEqual([...Array(10).keys()]);
    for (const { epochs } of folds)
      expect([...epochs[0]![0]!.rows].filter((row) => row >= 300)).toHaveLength(seedRows.rows.count);
  });
});
