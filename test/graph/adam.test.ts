import { describe, expect, it } from 'vitest';
import { ADAM, adamScalars, adamStep, descentStep } from '../../src/graph/adam.ts';
import { Builder } from '../../src/graph/builder.ts';
import { numbersOf, type Tensor, tensor } from '../../src/graph/ir.ts';
import { writeModel } from '../../src/graph/write.ts';
import { createRng } from '../../src/lib/rng.ts';
import { runModel } from './onnx-file.ts';
import { expectClose } from './ops/orders.ts';

const SHAPE = [2, 3];
const STATE = ['parameter', 'moment1', 'moment2'] as const;

/** Kingma & Ba 2015, algorithm 1, as it is printed. */
function plainAdam(
  state: { parameter: number[]; moment1: number[]; moment2: number[] },
  gradient: readonly number[],
  rate: number,
  t: number,
): void {
  const { beta1, beta2, epsilon } = ADAM;
  gradient.forEach((g, i) => {
    state.moment1[i] = beta1 * state.moment1[i]! + (1 - beta1) * g;
    state.moment2[i] = beta2 * state.moment2[i]! + (1 - beta2) * g * g;
    const mean = state.moment1[i]! / (1 - beta1 ** t);
    const variance = state.moment2[i]! / (1 - beta2 ** t);
    state.parameter[i]! -= (rate * mean) / (Math.sqrt(variance) + epsilon);
  });
}

describe('adamStep', () => {
  it('follows the published algorithm over several steps and rates', async () => {
    const b = new Builder();
    const value = (name: string) => b.input(name, 'float64', SHAPE);
    const next = adamStep(
      b,
      {
        parameter: value('parameter'),
        gradient: value('gradient'),
        moment1: value('moment1'),
        moment2: value('moment2'),
      },
      b.input('stepSize', 'float64', []),
      b.input('scale2', 'float64', []),
    );
    const bytes = writeModel(
      b.build(
        'adam',
        STATE.map((name) => next[name]),
      ),
    );
    const rng = createRng('adam');
    const draw = () => Array.from({ length: 6 }, () => rng.normal());
    const zeros = () => new Array<number>(6).fill(0);
    const wanted = { parameter: draw(), moment1: zeros(), moment2: zeros() };
    const state: Record<string, Tensor> = {};
    for (const name of STATE) state[name] = tensor('float64', SHAPE, wanted[name]);
    for (let t = 1; t <= 5; t++) {
      const rate = 0.01 * t;
      // an element that never has a gradient stays where it is
      const gradient = draw().with(0, 0);
      const { stepSize, scale2 } = adamScalars(rate, t);
      const results = await runModel(bytes, {
        ...state,
        gradient: tensor('float64', SHAPE, gradient),
        stepSize: tensor('float64', [], [stepSize]),
        scale2: tensor('float64', [], [scale2]),
      });
      const before = wanted.parameter[0];
      plainAdam(wanted, gradient, rate, t);
      for (const name of STATE) {
        state[name] = results[next[name].name]!;
        expectClose(numbersOf(state[name]), wanted[name], 1e-12, `${name} after step ${t}`);
      }
      expect(numbersOf(state['parameter']!)[0]).toBe(before);
    }
  });
});

describe('descentStep', () => {
  it('goes against the gradient by the rate', async () => {
    const b = new Builder();
    const [x, g, rate] = [b.input('x', 'float32', [2]), b.input('g', 'float32', [2]), b.input('rate', 'float32', [])];
    const next = descentStep(b, x, g, rate);
    const results = await runModel(writeModel(b.build('descent', [next])), {
      x: tensor('float32', [2], [1, 2]),
      g: tensor('float32', [2], [4, -8]),
      rate: tensor('float32', [], [0.5]),
    });
    expect(numbersOf(results[next.name]!)).toEqual([-1, 6]);
  });
});
