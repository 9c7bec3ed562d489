/** The gradient through unrolled inner steps on the heads, compared with finite differences in float64. */
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../packages/onnx-grad/index.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import type { MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';
import { type HeadsStepOptions, openHeadsProgram } from '../../src/training/meta/heads-step.ts';
import { addGradient } from '../../src/training/meta/meta-step.ts';
import { centralDifferences } from '../fixture/central-differences.ts';
import type { PlainParameters } from '../model/architectures/reference.ts';
import { batchOf, referenceLoss, steepGraph } from './step-model.ts';

const CONFIG: MetaHeacConfig = {
  user: [
    { name: 'age', kind: 'single', rows: 3 },
    { name: 'tags', kind: 'multi', maxLength: 2, rows: 4 },
  ],
  campaign: [{ name: 'topic', kind: 'single', rows: 2 }],
  embedding: 2,
  hidden: [3, 2],
  experts: 2,
  critics: 2,
  pooling: 'root',
  heads: { latent: 2 },
};
/** Large, so that the second order is plain to see. */
const OPTIONS: HeadsStepOptions = { rates: { [HEADS.wide]: 1.5, [HEADS.query]: 0.7 }, innerSteps: 3 };

const graph = steepGraph(CONFIG, 'heads step');
const names = [...graph.initializers.keys()];
const start: PlainParameters = new Map([...graph.initializers].map(([name, value]) => [name, numbersOf(value)]));
const episode = { support: batchOf(CONFIG, 'support', 5), query: batchOf(CONFIG, 'query', 4) };

/** The parameters after the inner steps: only the heads move. */
function adapted(parameters: PlainParameters): PlainParameters {
  let current = parameters;
  for (let step = 0; step < OPTIONS.innerSteps; step++) {
    const gradient = centralDifferences(
      current,
      1e-5,
      (shifted) => referenceLoss(CONFIG, shifted, episode.support),
      Object.keys(OPTIONS.rates),
    );
    current = new Map(
      [...current].map(([name, values]) => {
        const rate = OPTIONS.rates[name] ?? 0;
        return [name, values.map((x, i) => x - rate * (gradient.get(name)?.[i] ?? 0))];
      }),
    );
  }
  return current;
}

async function metaGradient(options: Partial<HeadsStepOptions> = {}) {
  const program = await openHeadsProgram(graph, names, { ...OPTIONS, ...options });
  const result = await program.run(graph.initializers, episode, 0);
  const gradients = new Map(names.map((name) => [name, new Float32Array(start.get(name)!.length)]));
  addGradient(gradients, result, 1);
  await program.close();
  return { loss: result.loss, gradients };
}

/** The largest difference as a share of the largest entry. */
function distance(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, readonly number[]>,
): number {
  const largest = Math.max(...[...expected.values()].flat().map(Math.abs));
  const differencesOf = [...expected].flatMap(([name, values]) =>
    values.map((x, i) => Math.abs(actual.get(name)![i]! - x)),
  );
  return Math.max(...differencesOf) / largest;
}

describe('openHeadsProgram', () => {
  it('has the loss after the inner steps, and its gradient through them in every parameter', async () => {
    const { loss, gradients } = await metaGradient();
    expect(loss).toBeCloseTo(referenceLoss(CONFIG, adapted(start), episode.query), 5);
    expect(Math.abs(loss - referenceLoss(CONFIG, start, episode.query))).toBeGreaterThan(0.01);
    const expected = centralDifferences(
      start,
      1e-4,
      (shifted) => referenceLoss(CONFIG, adapted(shifted), episode.query),
      names,
    );
    expect(distance(gradients, expected)).toBeLessThan(1e-3);
  });

  it("has with firstOrder the gradient at the heads' final values, which differs", async () => {
    const { loss, gradients } = await metaGradient({ firstOrder: true });
    const end = adapted(start);
    expect(loss).toBeCloseTo(referenceLoss(CONFIG, end, episode.query), 5);
    const expected = centralDifferences(end, 1e-5, (shifted) => referenceLoss(CONFIG, shifted, episode.query), names);
    expect(distance(gradients, expected)).toBeLessThan(1e-3);
    expect(distance((await metaGradient()).gradients, expected)).toBeGreaterThan(0.02);
  });

  it('has no gradient for table rows that no user has', async () => {
    const { gradients } = await metaGradient();
    const used = new Set(
      [episode.support, episode.query].flatMap(({ feeds }) => [...(feeds['user.age']!.data as Int32Array)]),
    );
    const ages = gradients.get('user.age.embedding')!;
    for (let id = 0; id < 3; id++) expect(ages.subarray(2 * id, 2 * id + 2).some((x) => x !== 0)).toBe(used.has(id));
  });
});
