/** Every pass, and all of them: the same outputs in ONNX Runtime, whatever the graph is. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GraphError } from '../../../src/graph/error.ts';
import { type Graph, isFloat, numbersOf, type Tensor, tensor } from '../../../src/graph/ir.ts';
import { optimise, PASSES } from '../../../src/graph/optimise/optimise.ts';
import { prune } from '../../../src/graph/prune.ts';
import { readModel } from '../../../src/graph/read.ts';
import { writeModel } from '../../../src/graph/write.ts';
import { runModel } from '../onnx-file.ts';
import { wastefulGraph } from '../random-graph.ts';

/** Within vitest's limit for a test, shrinking too: a failure is then told with its seed and path, which `fc.assert` takes to run it again. */
const MOST_MS = 40_000;

const FEEDS: readonly Readonly<Record<string, Tensor>>[] = [2, 1].map((batch) => ({
  x: tensor('float32', [batch, 3], [0.5, -1.25, 2, 0.125, 3, -0.75].slice(0, 3 * batch)),
  ids: tensor('int64', [batch], [1, 0].slice(0, batch)),
  flags: tensor('bool', [batch, 1], [1, 0].slice(0, batch)),
}));

/** What ONNX Runtime gives, or null where it refuses to run the graph on these feeds. */
async function run(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor> | null> {
  try {
    return await runModel(writeModel(graph), feeds, { asItIs: true });
  } catch {
    return null;
  }
}

/** Equal bits where `tolerance` is 0 (a NaN is a NaN), else equal to that part of the largest element. */
function expectSame(got: Tensor, wanted: Tensor, tolerance: number, what: string): void {
  expect([got.dtype, got.shape], what).toEqual([wanted.dtype, wanted.shape]);
  const [x, y] = [numbersOf(got), numbersOf(wanted)];
  const scale = y.reduce(
    (largest, element) => (Number.isFinite(element) ? Math.max(largest, Math.abs(element)) : largest),
    1,
  );
  const allowed = isFloat(got.dtype) ? tolerance * scale : 0;
  const far = y.findIndex((element, i) => !(Object.is(x[i], element) || Math.abs(x[i]! - element) <= allowed));
  expect(far, `${what} at ${far} is ${x[far]}, not ${y[far]}`).toBe(-1);
}

/** Null where a graph is refused: one that cannot run may be found out. */
function attempt(act: () => Graph): Graph | null {
  try {
    return act();
  } catch (error) {
    if (error instanceof GraphError) return null;
    throw error;
  }
}

const CASES: readonly (readonly [name: string, pass: (graph: Graph) => Graph, tolerance: number])[] = [
  ...Object.entries(PASSES).map(([name, pass]) => [name, pass, name.startsWith('fuse') ? 1e-5 : 0] as const),
  ['optimise', optimise, 1e-5],
];

describe.each(CASES)('%s', (_name, pass, tolerance) => {
  test('gives the same outputs in ONNX Runtime, whatever the graph is', async () => {
    let [ran, changed] = [0, 0];
    await fc.assert(
      fc.asyncProperty(wastefulGraph, async (graph) => {
        const better = attempt(() => prune(pass(graph)));
        if (better === null) {
          for (const feeds of FEEDS) expect(await run(graph, feeds), 'it runs, and is refused').toBeNull();
          return;
        }
        expect([better.inputs, better.outputs]).toEqual([graph.inputs, graph.outputs]);
        expect([...better.initializers]).toEqual([...graph.initializers]);
        expect(readModel(writeModel(better))).toStrictEqual(better);
        for (const feeds of FEEDS) {
          const wanted = await run(graph, feeds);
          if (wanted === null) continue;
          ran++;
          if (better.nodes.length < prune(graph).nodes.length) changed++;
          const got = await run(better, feeds);
          for (const name of graph.outputs) expectSame(got![name]!, wanted[name]!, tolerance, name);
        }
      }),
      { numRuns: 150, interruptAfterTimeLimit: MOST_MS },
    );
    expect(ran).toBeGreaterThan(50);
    expect(changed).toBeGreaterThan(0);
  });
});

describe('optimise', () => {
  test('leaves nothing that it would change again', () => {
    fc.assert(
      fc.property(wastefulGraph, (graph) => {
        const better = attempt(() => optimise(graph));
        if (better === null) return;
        expect(optimise(better)).toStrictEqual(better);
        expect(better.nodes.length).toBeLessThanOrEqual(prune(graph).nodes.length);
      }),
      { numRuns: 500, interruptAfterTimeLimit: MOST_MS },
    );
  });
});
