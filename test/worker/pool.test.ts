/** The engine's threads: models that wait for the same segment are scored together, and fail alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Cancellation } from '../../src/lib/cancellation.ts';
import { loadModel } from '../../src/model/load.ts';
import { openPopulation } from '../../src/population/population.ts';
import type { ScoredModel, SharedTensor } from '../../src/worker/messages.ts';
import { ThreadPool } from '../../src/worker/pool.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
let pool: ThreadPool;
let populationVersion = '';
let parameters: readonly SharedTensor[] = [];

beforeAll(async () => {
  pool = await ThreadPool.open(1, { model: world.model, population: world.population, device: 'cpu' });
  populationVersion = openPopulation(world.population).version;
  const { graph, adapted } = await loadModel(world.model);
  parameters = adapted.map((name) => {
    const { dtype, shape, data } = graph.initializers.get(name)!;
    const shared = new SharedArrayBuffer(data.byteLength);
    new Float32Array(shared).set(data as Float32Array);
    return { name, dtype, shape, data: shared };
  });
});
afterAll(() => pool.close());

const modelOf = (modelKey: string, campaign: number): ScoredModel => ({
  modelKey,
  features: world.campaigns[campaign]!.features,
  externalId: null,
  parameters,
});
/** `model` with a parameter that is not a number. */
function broken(model: ScoredModel): ScoredModel {
  const wrong = parameters.map((one) => {
    const data = new SharedArrayBuffer(one.data.byteLength);
    new Float32Array(data).fill(Number.NaN);
    return { ...one, data };
  });
  return { ...model, modelKey: 'broken', parameters: wrong };
}
const score = (model: ScoredModel, cancellation = new Cancellation()) =>
  pool.score({ populationVersion, segment: 0, model }, { cancellation });

describe('models that wait for the same segment', () => {
  it('get the scores that each gets alone', async () => {
    const models = [modelOf('a', 0), modelOf('b', 1), modelOf('c', 0)];
    const alone = [];
    for (const model of models) alone.push(await score(model));
    // the first takes the thread, the others wait for it
    const together = await Promise.all([modelOf('first', 1), ...models].map((model) => score(model)));
    expect(together.slice(1)).toEqual(alone);
    expect(together[1]!.scores).not.toEqual(together[2]!.scores);
  });

  it('are scored without one whose scores are refused', async () => {
    const expected = await score(modelOf('a', 0));
    const [, first, refused, last] = await Promise.allSettled([
      score(modelOf('busy', 0)),
      score(modelOf('a', 0)),
      score(broken(modelOf('b', 0))),
      score(modelOf('c', 0)),
    ]);
    expect(first).toEqual({ status: 'fulfilled', value: expected });
    expect(last).toEqual({ status: 'fulfilled', value: expected });
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'invalid_model' } });
  });

  it('are scored without one that is no longer wanted', async () => {
    const cancellation = new Cancellation();
    const expected = await score(modelOf('a', 0));
    const all = [score(modelOf('busy', 0)), score(modelOf('a', 0)), score(modelOf('b', 0), cancellation)];
    cancellation.cancel();
    const [, kept, cancelled] = await Promise.allSettled(all);
    expect(kept).toEqual({ status: 'fulfilled', value: expected });
    expect(cancelled).toMatchObject({ status: 'rejected', reason: { message: 'this result is no longer wanted' } });
  });
});
