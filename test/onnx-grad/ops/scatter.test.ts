/** What ONNX Runtime does with duplicates in ScatterND, on which the gradient of every look-up depends. */
import { describe, expect, test } from 'vitest';
import { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';
import { tensor } from '../../../packages/onnx-grad/src/graph/tensor.ts';
import { openSession } from '../../../packages/onnx-grad/src/session/session.ts';
import { createRng } from '../../../src/lib/rng.ts';

const [ROWS, UPDATES, WIDTH] = [50, 20_000, 16];

describe('ScatterND with reduction add, on one thread', () => {
  test('adds duplicates in order, with the same result in every run', async () => {
    const b = new Builder();
    const zeros = b.input('zeros', 'float32', [ROWS, WIDTH]);
    const indices = b.input('indices', 'int64', ['n', 1]);
    const updates = b.input('updates', 'float32', ['n', WIDTH]);
    const sum = b.add('ScatterND', [zeros, indices, updates], { reduction: 'add' });
    const rng = createRng('scatter');
    const at = Int32Array.from({ length: UPDATES }, () => rng.integer(ROWS));
    const data = Float32Array.from({ length: UPDATES * WIDTH }, () => rng.normal());
    const wanted = new Float32Array(ROWS * WIDTH);
    for (let i = 0; i < UPDATES; i++) {
      for (let j = 0; j < WIDTH; j++) wanted[at[i]! * WIDTH + j]! += data[i * WIDTH + j]!;
    }
    const session = await openSession(b.build('scatter', [sum]));
    const feeds = {
      zeros: tensor('float32', [ROWS, WIDTH], new Float32Array(ROWS * WIDTH)),
      indices: tensor('int64', [UPDATES, 1], at),
      updates: tensor('float32', [UPDATES, WIDTH], data),
    };
    for (let repeat = 0; repeat < 10; repeat++) {
      const results = await session.run(feeds);
      expect(Buffer.from(results[sum.name]!.data.buffer).equals(Buffer.from(wanted.buffer))).toBe(true);
    }
    await session.close();
  });
});
