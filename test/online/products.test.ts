/** Products in WebAssembly compared with plain loops, bit for bit: the order of sums does not depend on other lanes. */
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../src/lib/rng.ts';
import { DirectionProducts, LANES, lanesFor, RowProducts } from '../../src/online/regression/products.ts';
import { drawRows } from '../onnx-grad/descent/dense.ts';

const vectorOf = (rng: Rng, width: number) => Float64Array.from({ length: width }, () => rng.normal());

describe('RowProducts', () => {
  const WIDTH = 31;
  const rows = drawRows(150, WIDTH);
  const products = new RowProducts(rows);

  function byHand(v: Float64Array): Float64Array {
    const out = new Float64Array(WIDTH);
    for (let row = 0; row + 1 < rows.starts.length; row++) {
      const [from, to] = [rows.starts[row]!, rows.starts[row + 1]!];
      let sum = 0;
      for (let k = from; k < to; k++) sum += rows.values[k]! * v[rows.columns[k]!]!;
      for (let k = from; k < to; k++) out[rows.columns[k]!]! += sum * rows.values[k]!;
    }
    return out;
  }

  it('has the rows', () => {
    expect(products.rows).toEqual(rows);
    expect(rows.starts.some((start, row) => row > 0 && start === rows.starts[row - 1])).toBe(true);
  });

  it.each([1, 2, 3, 4])('multiplies %i vectors at once by two passes', (count) => {
    const rng = createRng(`vectors/${count}`);
    const vectors = Array.from({ length: count }, () => vectorOf(rng, WIDTH));
    const lanes = lanesFor(count);
    products.input.fill(Number.NaN);
    products.output.fill(7);
    for (const [i, { lane, of }] of lanes.entries())
      for (let t = 0; t < WIDTH; t++) products.input[of * t + lane] = vectors[i]![t]!;
    products.multiply(lanes[0]!.of);
    for (const [i, { lane, of }] of lanes.entries()) {
      const out = Float64Array.from({ length: WIDTH }, (_, t) => products.output[of * t + lane]!);
      expect(out).toEqual(byHand(vectors[i]!));
      expect(Math.max(...out)).toBeGreaterThan(0.1);
    }
  });

  it('gives each vector a lane of its own', () => {
    for (let count = 1; count <= LANES; count++) {
      const lanes = lanesFor(count);
      expect(new Set(lanes.map(({ lane }) => lane)).size).toBe(count);
      for (const { lane, of } of lanes) expect(lane < of && of >= count && of === lanes[0]!.of).toBe(true);
    }
  });

  it('is 0 without rows', () => {
    const none = new RowProducts({
      width: 3,
      starts: Int32Array.of(0),
      columns: new Int32Array(0),
      values: new Float32Array(0),
    });
    none.input.fill(1);
    none.output.fill(1);
    none.multiply(1);
    expect([...none.output.subarray(0, 3)]).toEqual([0, 0, 0]);
  });
});

describe('DirectionProducts', () => {
  it.each([
    [0, 5],
    [1, 1],
    [3, 8],
    [4, 7],
    [9, 20],
    [11, 33],
  ])('with %i directions of %i adds what each has along it, one after the other', (rank, width) => {
    const rng = createRng(`directions/${rank}/${width}`);
    const products = new DirectionProducts(rank, width);
    const units = Array.from({ length: rank }, () => Float32Array.from(vectorOf(rng, width)));
    for (const [i, unit] of units.entries()) products.units.set(unit, i * products.stride);
    products.gains.set(vectorOf(rng, rank));
    const v = vectorOf(rng, width);
    const expected = v.slice();
    for (const [i, unit] of units.entries()) {
      let along = 0;
      for (let t = 0; t < width; t++) along += unit[t]! * v[t]!;
      along *= products.gains[i]!;
      for (let t = 0; t < width; t++) expected[t]! += along * unit[t]!;
    }
    for (let time = 0; time < 2; time++) {
      const out = new Float64Array(width).fill(Number.NaN);
      products.apply(v, out);
      expect(out).toEqual(expected);
    }
    if (rank > 0) expect(expected).not.toEqual(v);
  });
});
