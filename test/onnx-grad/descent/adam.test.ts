import { describe, expect, it } from 'vitest';
import { numbersOf, type Tensor, tensor } from '../../../packages/onnx-grad/index.ts';
import { ADAM, Adam, adamScalars } from '../../../packages/onnx-grad/src/adam/adam.ts';
import { createRng } from '../../../src/lib/rng.ts';

const RATES = [0.1, 0.1, 0.05, 0.1];

/** Kingma & Ba 2015, algorithm 1, as printed, for one entry. */
function plainAdam(x: number, gradients: readonly number[]): number {
  const { beta1, beta2, epsilon } = ADAM;
  let [value, m, v] = [x, 0, 0];
  for (const [i, g] of gradients.entries()) {
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    value -= (RATES[i]! * (m / (1 - beta1 ** (i + 1)))) / (Math.sqrt(v / (1 - beta2 ** (i + 1))) + epsilon);
  }
  return value;
}

const random = (key: string, ...shape: number[]): Tensor => {
  const rng = createRng(key);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal());
  return { dtype: 'float32', shape, data };
};

/** Parameters whose sizes have every remainder modulo four. */
const initial = new Map([1, 2, 3, 4, 7, 130].map((size) => [`p${size}`, random(`start ${size}`, size)]));
const gradientOf = (name: string, size: number, step: number) => random(`${name} ${step}`, size).data as Float32Array;

function step(adam: Adam, t: number): void {
  for (const [name, gradient] of adam.gradients) gradient.set(gradientOf(name, gradient.length, t));
  adam.step(RATES[t]!);
}

describe('Adam', () => {
  it('is the published algorithm, at any size', () => {
    const adam = new Adam(initial);
    for (let t = 0; t < RATES.length; t++) step(adam, t);
    expect(adam.steps).toBe(RATES.length);
    for (const [name, { data }] of initial) {
      const after = numbersOf(adam.parameters.get(name)!);
      after.forEach((x, i) => {
        const gradients = RATES.map((_, t) => gradientOf(name, data.length, t)[i]!);
        expect(Math.abs(x - plainAdam(Number(data[i]), gradients)), `${name}[${i}]`).toBeLessThan(1e-6);
      });
    }
    expect(adamScalars(0.1, 1).stepSize).toBeCloseTo(1, 12);
  });

  it('does not change its start values, nor a parameter without a gradient', () => {
    const before = new Map([...initial].map(([name, value]) => [name, numbersOf(value)]));
    const adam = new Adam(initial);
    adam.gradients.get('p3')!.fill(1);
    adam.step(0.1);
    for (const [name, value] of initial) {
      expect(numbersOf(value)).toEqual(before.get(name));
      const moved = numbersOf(adam.parameters.get(name)!).some((x, i) => x !== before.get(name)![i]);
      expect(moved, name).toBe(name === 'p3');
    }
  });

  it('applies a gradient only once', () => {
    const adam = new Adam(initial);
    adam.gradients.get('p7')!.fill(1);
    adam.step(0.1);
    expect([...adam.gradients.get('p7')!]).toEqual(new Array(7).fill(0));
  });

  it.each([1, 2, 3])('continues from its state after %i steps to the same bits', (pause) => {
    const whole = new Adam(initial);
    for (let t = 0; t < 4; t++) step(whole, t);
    const first = new Adam(initial);
    for (let t = 0; t < pause; t++) step(first, t);
    const { steps, tensors } = first.state();
    const state = { steps, tensors: new Map([...tensors].map(([name, t]) => [name, { ...t, data: t.data.slice() }])) };
    const second = new Adam(initial, { state });
    for (let t = pause; t < 4; t++) step(second, t);
    expect(second.steps).toBe(4);
    expect(second.parameters).toEqual(whole.parameters);
    expect(second.state().tensors).toEqual(whole.state().tensors);
  });

  it.each([1, 2, 4, 6, 9])('adds up rows of %i values in their order, however often a row occurs', (width) => {
    const places = Int32Array.of(2, 0, 2, 4, 2, 0);
    const adam = new Adam(new Map([['table', random('table', 5, width)]]), { rows: new Map([['table', 8]]) });
    const rows = random('rows', places.length, width).data as Float32Array;
    const wanted = new Float32Array(5 * width);
    for (const [i, place] of places.entries())
      for (let j = 0; j < width; j++) wanted[place * width + j]! += rows[i * width + j]!;
    adam.incoming('table').set(rows);
    adam.addRows('table', places);
    expect(adam.gradients.get('table')).toEqual(wanted);
  });

  it.each(['int64', 'int32', 'float64'] as const)('refuses a parameter of type %s, and names it', (dtype) => {
    const start = new Map([...initial, ['sizes', tensor(dtype, [2], [-1, 3])]]);
    expect(() => new Adam(start)).toThrow(
      expect.objectContaining({
        code: 'invalid_graph',
        message: `the parameter "sizes" is ${dtype}[2]: Adam changes only float32`,
      }),
    );
  });

  it('refuses a parameter that fits into no memory, and names it', () => {
    const data = { length: 2 ** 28 } as Float32Array;
    const huge = new Map([['table', { dtype: 'float32' as const, shape: [2 ** 28], data }]]);
    expect(() => new Adam(huge)).toThrow(/parameter "table" needs 4294967296 bytes/);
  });

  it('separates parameters that do not fit into one memory together', () => {
    const [small, rows] = [random('small', 4, 2), 2 ** 26];
    const adam = new Adam(
      new Map([
        ['one', small],
        ['large', tensor('float32', [1], [1])],
        ['other', random('other', 4, 2)],
      ]),
      { rows: new Map([['large', rows]]) },
    );
    for (const [name, gradient] of adam.gradients) gradient.fill(name === 'other' ? -1 : 1);
    adam.step(0.5);
    for (const name of ['one', 'other']) {
      const before = numbersOf(name === 'one' ? small : random('other', 4, 2));
      const sign = name === 'one' ? 1 : -1;
      numbersOf(adam.parameters.get(name)!).forEach((x, i) => {
        expect(x).toBeCloseTo(before[i]! - 0.5 * sign, 5);
      });
    }
  });
});
