/** The features that the regression's table multiplies, read from the graph, agree with the users' ids. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../packages/onnx-grad/index.ts';
import { HEADS } from '../../src/model/architectures/heads.ts';
import { openRegressionReader } from '../../src/online/regression/regression-reader.ts';
import type { SparseRows } from '../../src/online/regression/sparse-rows.ts';
import { denseOf, furthest } from '../onnx-grad/descent/dense.ts';
import {
  HEADS_GRAPH,
  HEADS_ROWS,
  headsFeatures,
  headsFeeds,
  regressionFeatures,
  TABLE_ROWS,
} from '../onnx-grad/descent/heads-by-hand.ts';

async function read(rows: number, parameter: string = HEADS.regression, graph: Graph = HEADS_GRAPH) {
  const reader = await openRegressionReader(graph, parameter);
  const out: SparseRows = await reader.read(rows, headsFeeds);
  expect([reader.width, out.width]).toEqual([TABLE_ROWS, TABLE_ROWS]);
  await reader.close();
  return out;
}

function expectRows(actual: SparseRows, expected: readonly (readonly number[])[]): void {
  const dense = denseOf(actual);
  expect(dense).toHaveLength(expected.length);
  for (const [i, row] of dense.entries()) expect(furthest(row, expected[i]!), `user ${i}`).toBeLessThan(1e-6);
}

describe('openRegressionReader', () => {
  const byHand = regressionFeatures();

  it('reads 1 / sqrt(n) for each of the n tokens of a user, summed when a token appears twice', async () => {
    const counts = headsFeatures().map((row) => row.slice(0, TABLE_ROWS));
    // some users have a token twice
    expect(counts.some((row) => row.includes(2))).toBe(true);
    const rows = await read(HEADS_ROWS);
    expectRows(rows, byHand);
    for (let row = 0; row < HEADS_ROWS; row++) {
      const own = rows.columns.subarray(rows.starts[row]!, rows.starts[row + 1]!);
      expect(new Set(own).size, `user ${row}`).toBe(own.length);
    }
  });

  it('has no features for a user without tokens', async () => {
    const reader = await openRegressionReader(HEADS_GRAPH, HEADS.regression);
    const rows = await reader.read(3, (from, to) => {
      const feeds = headsFeeds(from, to);
      const [ages, lengths] = [feeds['user.age']!, feeds['user.tags.length']!].map((feed) => ({
        ...feed,
        data: (feed.data as Int32Array).map((x, i) => (i === 1 ? 0 : x)),
      }));
      return { ...feeds, 'user.age': ages!, 'user.tags.length': lengths! };
    });
    await reader.close();
    expectRows(rows, [byHand[0]!, new Array<number>(TABLE_ROWS).fill(0), byHand[2]!]);
    expect(rows.starts[2]).toBe(rows.starts[1]);
  });

  it('reads more users than one run takes, and none', async () => {
    const rows = 2048 + 70;
    expectRows(
      await read(rows),
      Array.from({ length: rows }, (_, i) => byHand[i % HEADS_ROWS]!),
    );
    expect([...(await read(0)).starts]).toEqual([0]);
  });

  it('does not depend on the values of the parameter or of any other', async () => {
    const initializers = new Map(
      [...HEADS_GRAPH.initializers].map(([name, value]) => [
        name,
        value.dtype === 'float32' ? { ...value, data: (value.data as Float32Array).map((x) => 3 - 2 * x) } : value,
      ]),
    );
    expect(await read(HEADS_ROWS, HEADS.regression, { ...HEADS_GRAPH, initializers })).toEqual(await read(HEADS_ROWS));
  });

  it('reads any table that shifts logits', async () => {
    expectRows(
      await read(HEADS_ROWS, HEADS.wide),
      headsFeatures().map((row) => row.slice(0, TABLE_ROWS)),
    );
  });

  it.each([
    ['no table', HEADS.bias],
    ['inside a layer', 'user.age.embedding'],
  ])('treats a parameter that is %s as a bug', async (_, parameter) => {
    await expect(openRegressionReader(HEADS_GRAPH, parameter)).rejects.toThrow(/is not a table that shifts logits/);
  });
});
