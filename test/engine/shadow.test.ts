/** The check of a model expands campaigns with the served model, whose threads are busy with other campaigns. */
import { expect, it, onTestFinished } from 'vitest';
import { findRoles } from '../../src/audience/find-roles.ts';
import { customiseTask, roleIdsOf } from '../../src/engine/expansion/expansion-users.ts';
import { compareOn } from '../../src/engine/expansion/shadow.ts';
import { ThreadPool } from '../../src/engine/pool.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { openPopulation } from '../../src/population/read.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';
import { buildRig } from './rig.ts';

const world = await tinyWorld();
/** The check has four tasks, one after another, and the thread may take another task before each of them. */
const MOST_BETWEEN = 6;

it('a comparison of two models does not wait for the campaigns in the queue', async () => {
  const rig = await buildRig(world);
  await rig.create(world.campaigns[0]!);
  const job = (await rig.store.claim('1:test'))!;
  const population = openPopulation(world.population);
  const version = readModelFolder(world.model).manifest.version;
  const pool = await ThreadPool.open(1, { model: world.model, population: world.population, device: 'cpu' });
  onTestFinished(() => pool.close());
  const rows = await findRoles(population, await roleIdsOf(rig.store, job), job.filters);
  const { features, externalId } = job;
  const pins = { modelVersion: version, populationVersion: population.version };
  const task = customiseTask(job, version, population, rows);
  const { parameters } = await pool.customise(task, {});
  const score = {
    kind: 'score',
    ...pins,
    segment: 0,
    modelKey: 'of others',
    features,
    externalId,
    category: null,
    parameters,
  } as const;
  let ended = 0;
  const others = [
    ...Array.from({ length: 8 }, () => pool.customise(task, {})),
    ...Array.from({ length: 40 }, () => pool.score(score, {})),
  ].map((one) => one.then(() => (ended += 1)));
  const model = { version, pool };
  const comparison = await compareOn(job, { served: model, fresh: model }, { ...rig, population, minimumSeeds: 1 });
  expect(comparison?.overlap['0.05']).toBe(1);
  expect(ended).toBeLessThanOrEqual(MOST_BETWEEN);
  await Promise.all(others);
});
