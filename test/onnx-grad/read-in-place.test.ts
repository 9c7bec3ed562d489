/** Large tensors that stay at their place in the file's memory. */
import { describe, expect, it } from 'vitest';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import { type TensorData, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { readModel } from '../../packages/onnx-grad/src/onnx/read.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';

const bytesOf = ({ buffer, byteOffset, byteLength }: TensorData) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

describe('readModel in place', () => {
  it.each([0, 1, 2, 3])('reads the same values for any alignment of the data: names longer by %d', (more) => {
    const b = new Builder();
    const large = Float32Array.from({ length: 300_000 }, (_, i) => Math.fround(Math.sin(i)));
    const values = ['first', 'second'].map((name) =>
      b.initializer(name + 'x'.repeat(more), { dtype: 'float32', shape: [300_000], data: large }),
    );
    const small = b.initializer('small', tensor('float32', [3], [1, 2, 3]));
    const file = writeModel(b.build('model', [...values, small]));
    const wanted = readModel(file);
    const bytes = new Uint8Array(file);
    const graph = readModel(bytes, { inPlace: true });
    expect(graph.values).toEqual(wanted.values);
    for (const [name, { data }] of graph.initializers) {
      expect(data.buffer === bytes.buffer).toBe(name !== 'small');
      expect(bytesOf(data).equals(bytesOf(wanted.initializers.get(name)!.data))).toBe(true);
    }
  });
});
