/** The meta gradient compared with finite differences in float64, and Adam on full parameters. */
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../packages/onnx-grad/index.ts';
import type { MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';
import { addGradient, openMetaProgram } from '../../src/training/meta/meta-step.ts';
import { centralDifferences } from '../fixture/central-differences.ts';
import type { PlainParameters } from '../model/architectures/reference.ts';
import { batchOf, referenceLoss, steepGraph } from './step-model.ts';

const CONFIG: MetaHeacConfig = {
  user: [
    { name: 'age', kind: 'single', rows: 3 },
    { name: 'tags', kind: 'multi', maxLength: 2, rows: 3 },
  ],
  campaign: [{ name: 'topic', kind: 'single', rows: 2 }],
  embedding: 2,
  hidden: [3, 2],
  experts: 2,
  critics: 2,
};
/** Large, so that the second order is plain to see. */
const INNER_RATE = 0.5;

const graph = steepGraph(CONFIG, 'meta step');
const names = [...graph.initializers.keys()];
const episode = { support: batchOf(CONFIG, 'support', 3), query: batchOf(CONFIG, 'query', 3) };

/** theta - alpha grad L(theta; support), by differences. */
function innerStep(parameters: PlainParameters): PlainParameters {
  const gradient = centralDifferences(parameters, 1e-5, (shifted) => referenceLoss(CONFIG, shifted, episode.support));
  return new Map(
    [...parameters].map(([name, values]) => [name, values.map((x, i) => x - INNER_RATE * gradient.get(name)![i]!)]),
  );
}

let secondOrder: Map<string, number[]> | null = null;
/** The gradient through the inner step, by differences of differences: once for all tests. */
function secondOrderGradient(): Map<string, number[]> {
  secondOrder ??= centralDifferences(start, 1e-4, (shifted) =>
    referenceLoss(CONFIG, innerStep(shifted), episode.query),
  );
  return secondOrder;
}

const start: PlainParameters = new Map([...graph.initializers].map(([name, value]) => [name, numbersOf(value)]));
const zeros = () => new Map(names.map((name) => [name, new Float32Array(graph.initializers.get(name)!.data.length)]));

async function metaGradient(options: { firstOrder?: boolean; compact?: boolean }) {
  const program = await openMetaProgram(graph, names, options);
  const result = await program.run(graph.initializers, episode, INNER_RATE);
  const gradients = zeros();
  addGradient(gradients, result, 1);
  await program.close();
  return { loss: result.loss, gradients };
}

function expectGradients(
  actual: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, readonly number[]>,
  tolerance: number,
): void {
  const largest = Math.max(...[...expected.values()].flat().map(Math.abs));
  for (const [name, values] of expected)
    values.forEach((x, i) => {
      expect(Math.abs(actual.get(name)![i]! - x), `${name}[${i}]: ${actual.get(name)![i]} and ${x}`).toBeLessThan(
        tolerance * largest,
      );
    });
}

describe('addGradient', () => {
  it('adds rows of a compact gradient in their places, and a whole one everywhere', () => {
    const gradients = new Map([
      ['table', Float32Array.of(1, 1, 1, 1, 1, 1)],
      ['bias', Float32Array.of(1, 2)],
    ]);
    const parts = new Map([
      ['table', { rows: Int32Array.of(0, 2), data: Float32Array.of(2, 4, 6, 8) }],
      ['bias', { rows: null, data: Float32Array.of(2, 2) }],
    ]);
    addGradient(gradients, { loss: 0, parts }, 0.5);
    expect([...gradients.get('table')!]).toEqual([2, 3, 1, 1, 4, 5]);
    expect([...gradients.get('bias')!]).toEqual([2, 3]);
    const none = new Map([['table', { rows: new Int32Array(0), data: new Float32Array(0) }]]);
    addGradient(gradients, { loss: 0, parts: none }, 1);
    expect([...gradients.get('table')!]).toEqual([2, 3, 1, 1, 4, 5]);
  });
});

describe('openMetaProgram', () => {
  it.each([true, false])(
    'has the loss and the second-order gradient of the formulas (compact tables: %s)',
    async (compact) => {
      const { loss, gradients } = await metaGradient({ compact });
      expect(loss).toBeCloseTo(referenceLoss(CONFIG, innerStep(start), episode.query), 5);
      expectGradients(gradients, secondOrderGradient(), 1e-4);
    },
  );

  it('has with firstOrder the gradient at the stepped parameters, which differs', async () => {
    const { loss, gradients } = await metaGradient({ firstOrder: true });
    expect(loss).toBeCloseTo(referenceLoss(CONFIG, innerStep(start), episode.query), 5);
    const expected = centralDifferences(innerStep(start), 1e-5, (shifted) =>
      referenceLoss(CONFIG, shifted, episode.query),
    );
    expectGradients(gradients, expected, 1e-4);
    const second = await metaGradient({});
    expect(() => expectGradients(second.gradients, expected, 1e-2)).toThrow();
  });

  it('is the plain gradient of the query loss when the inner rate is 0', async () => {
    const program = await openMetaProgram(graph, names);
    const result = await program.run(graph.initializers, episode, 0);
    const gradients = zeros();
    addGradient(gradients, result, 1);
    await program.close();
    expectGradients(
      gradients,
      centralDifferences(start, 1e-5, (shifted) => referenceLoss(CONFIG, shifted, episode.query)),
      1e-4,
    );
  });

  it('accepts batches of other sizes, one after the other, and does not change the parameters', async () => {
    const program = await openMetaProgram(graph, names);
    for (const size of [2, 7]) {
      const { loss } = await program.run(
        graph.initializers,
        { support: batchOf(CONFIG, `s ${size}`, size), query: batchOf(CONFIG, `q ${size}`, 2 * size) },
        INNER_RATE,
      );
      expect(Number.isFinite(loss)).toBe(true);
    }
    await program.close();
    for (const [name, value] of graph.initializers) expect(numbersOf(value)).toEqual(start.get(name));
  });
});
