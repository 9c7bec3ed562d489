import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { descentStep } from '../../packages/onnx-grad/src/graph/descent.ts';
import { numbersOf, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import { runModel } from './onnx-file.ts';

describe('descentStep', () => {
  it('moves against the gradient by the rate', async () => {
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
