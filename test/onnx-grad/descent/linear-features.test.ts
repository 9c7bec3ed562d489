/** Features read off a graph are those that follow from a user's ids, and their products are those of a matrix. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findLinearTerm, type Tensor, tensor } from '../../../packages/onnx-grad/index.ts';
import { FeatureProducts } from '../../../packages/onnx-grad/src/descent/feature-products.ts';
import { openHeadProgram, splitHeads } from '../../../packages/onnx-grad/src/descent/head-adaptation.ts';
import { type LinearFeatures, openFeatureReader } from '../../../packages/onnx-grad/src/descent/linear-features.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { HEADS } from '../../../src/model/architectures/heads.ts';
import { dot, HEADS_GRAPH, HEADS_ROWS, headsFeatures, headsFeeds, headsPoint, TABLE_ROWS } from './heads-by-hand.ts';

const ALL = [HEADS.wide, HEADS.query, HEADS.bias];
const { initializers } = HEADS_GRAPH;
const byHand = headsFeatures();

let features: LinearFeatures;

/** Reads the features of `rows` users with some of the heads as parameters. */
async function read(
  parameters: readonly string[],
  rows = HEADS_ROWS,
  start: ReadonlyMap<string, Tensor> = initializers,
) {
  const own = await openHeadProgram(HEADS_GRAPH, parameters);
  const { perRow, shared } = await own.boundary(start, rows, headsFeeds);
  await own.close();
  const reader = await openFeatureReader(findLinearTerm(splitHeads(HEADS_GRAPH, parameters).head, parameters)!);
  const given = new Map(parameters.map((name) => [name, start.get(name)!]));
  const out = await reader.read(given, perRow, shared, rows);
  await reader.close();
  return out;
}

/** The matrix of the features, from products with unit vectors: `[rows][width]`. */
function written(of: LinearFeatures): number[][] {
  const rows = Int32Array.from({ length: of.rows }, (_, i) => i);
  const products = new FeatureProducts(of);
  const columns = Array.from({ length: of.width }, (_, j) => {
    const out = new Float64Array(of.rows);
    products.multiply(rows, new Float64Array(of.width).fill(1, j, j + 1), out);
    return out;
  });
  return Array.from(rows, (i) => columns.map((column) => column[i]!));
}

/** The position of column j among wide, query and bias. */
const placesOf = ({ blocks }: LinearFeatures): number[] =>
  blocks.flatMap(({ parameter, elements }) => {
    const first = { [HEADS.wide]: 0, [HEADS.query]: TABLE_ROWS, [HEADS.bias]: TABLE_ROWS + 3 }[parameter]!;
    return Array.from(elements, (element) => first + element);
  });

function expectClose(actual: Iterable<number>, expected: readonly number[], digits = 5): void {
  const got = [...actual];
  expect(got.length).toBe(expected.length);
  expected.forEach((x, i) => {
    expect(got[i], `entry ${i}`).toBeCloseTo(x, digits);
  });
}

beforeAll(async () => {
  features = await read(ALL);
});

describe('openShiftReader', () => {
  it('has a column for each table element that some user has, and for each element of other parameters', () => {
    const used = byHand[0]!.map((_, place) => place).filter((place) => byHand.some((row) => row[place] !== 0));
    expect(placesOf(features)).toEqual(used);
    expect(used.length).toBeLessThan(TABLE_ROWS + 4);
    expect(features.width).toBe(used.length);
    expect(features.firstDense).toBe(used.length - 4);
    expect(features.blocks.map(({ first }) => first)).toEqual([0, used.length - 4, used.length - 1]);
  });

  it('has token counts, the latent vector and a one for each user', () => {
    const places = placesOf(features);
    written(features).forEach((row, i) => {
      expectClose(
        row,
        places.map((place) => byHand[i]![place]!),
      );
    });
    expect(byHand.flat().filter((x) => x === 2).length).toBeGreaterThan(0);
  });

  it('reads the term at the start, to which the product of features and parameter changes is added', async () => {
    const rng = createRng('change');
    const moved = new Map(initializers);
    for (const name of ALL) {
      const { shape, data } = initializers.get(name)!;
      moved.set(
        name,
        tensor(
          'float32',
          shape,
          Float32Array.from(data as Float32Array, (x) => x + rng.normal()),
        ),
      );
    }
    const later = await read(ALL, HEADS_ROWS, moved);
    const change = headsPoint(moved).map((x, place) => x - headsPoint(initializers)[place]!);
    expectClose(
      later.offsets,
      byHand.map((row, i) => features.offsets[i]! + dot(row, change)),
    );
    // the features do not depend on the current values of the parameters
    expect(later.blocks).toEqual(features.blocks);
    expectClose(written(later).flat(), written(features).flat());
  });

  it('reads many users in parts, with the same features', async () => {
    const many = await read(ALL, 2050);
    expect(many.blocks).toEqual(features.blocks);
    const [few, all] = [written(features), written(many)];
    for (const row of [0, 29, 30, 2047, 2048, 2049]) {
      expectClose(all[row]!, few[row % HEADS_ROWS]!);
      expect(many.offsets[row]).toBeCloseTo(features.offsets[row % HEADS_ROWS]!, 5);
    }
  });

  it.each<[string, string[]]>([
    ['a table alone', [HEADS.wide]],
    ['no table', [HEADS.query, HEADS.bias]],
  ])('reads %s', async (_, parameters) => {
    const some = await read(parameters);
    const places = placesOf(some);
    expect(some.blocks.map(({ parameter }) => parameter)).toEqual(parameters);
    expect(some.firstDense).toBe(parameters.includes(HEADS.wide) ? some.width : 0);
    written(some).forEach((row, i) => {
      expectClose(
        row,
        places.map((place) => byHand[i]![place]!),
      );
    });
  });
});

describe('products', () => {
  const rows = Int32Array.from([4, ...Array.from({ length: HEADS_ROWS }, (_, i) => HEADS_ROWS - 1 - i)]);
  const drawn = (length: number, key: string) => {
    const rng = createRng(key);
    return Float64Array.from({ length }, () => rng.normal());
  };

  it.each([
    ['all columns', { sparse: true, dense: true }],
    ['sparse ones', { sparse: true, dense: false }],
    ['dense ones', { sparse: false, dense: true }],
  ])('of %s are those of the matrix, for some rows in any order and repeated', (_, which) => {
    const matrix = written(features).map((row) =>
      row.map((x, j) => ((j < features.firstDense ? which.sparse : which.dense) ? x : 0)),
    );
    // longer than the width: the rest must not change
    const point = drawn(features.width + 1, 'point');
    const product = new Float64Array(rows.length);
    const products = new FeatureProducts(features);
    products.multiply(rows, point, product, which);
    expectClose(
      product,
      Array.from(rows, (row) => dot(matrix[row]!, [...point])),
      9,
    );
    const weights = drawn(rows.length, 'weights');
    for (const power of [1, 2] as const) {
      const out = new Float64Array(features.width + 1).fill(7);
      if (power === 1) products.multiplyTransposed(rows, weights, out, which);
      else products.multiplyTransposedSquares(rows, weights, out, which);
      const expected = matrix[0]!.map((_, j) =>
        dot(
          [...weights],
          Array.from(rows, (row) => matrix[row]![j]! ** power),
        ),
      );
      expectClose(out, [...expected, 7], 9);
    }
  });

  it('have the bits of plain loops, for more rows than a kernel takes at once', () => {
    const products = new FeatureProducts(features);
    const { width, firstDense, starts, columns, values, dense } = features;
    const many = Int32Array.from({ length: 4096 + 7 }, (_, i) => (7 * i) % HEADS_ROWS);
    const point = drawn(width, 'point');
    const weights = drawn(many.length, 'weights');
    const product = new Float64Array(many.length);
    products.multiply(many, point, product);
    const transposed = new Float64Array(width);
    products.multiplyTransposed(many, weights, transposed);
    const expected = new Float64Array(width);
    many.forEach((row, i) => {
      let sum = 0;
      const add = (column: number, value: number) => {
        sum += value * point[column]!;
        expected[column]! += weights[i]! * value;
      };
      for (let k = starts[row]!; k < starts[row + 1]!; k++) add(columns[k]!, values[k]!);
      const denseWidth = width - firstDense;
      for (let d = 0; d < denseWidth; d++) add(firstDense + d, dense[row * denseWidth + d]!);
      if (product[i] !== sum) expect(product[i], `row ${i}`).toBe(sum);
    });
    expect(transposed).toEqual(expected);
  });

  it('of a design exclude columns without a strength', () => {
    const strengths = new Float64Array(features.width).fill(0.5);
    const left = [1, features.width - 2];
    for (const j of left) strengths[j] = 0;
    const design = new FeatureProducts(features).design(rows, strengths);
    expect([design.rows, design.width]).toEqual([HEADS_ROWS + 1, features.width]);
    const values = drawn(rows.length, 'values');
    for (const [product, power] of [
      [design.multiplyTransposed, 1],
      [design.multiplyTransposedSquares, 2],
    ] as const) {
      const out = new Float64Array(features.width + 1);
      product(values, out);
      const matrix = written(features);
      expectClose(
        out.subarray(0, features.width),
        matrix[0]!.map((_, j) =>
          left.includes(j)
            ? 0
            : dot(
                [...values],
                Array.from(rows, (row) => matrix[row]![j]! ** power),
              ),
        ),
        9,
      );
    }
  });
});
