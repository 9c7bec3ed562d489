/**
 * Valid files from which fuzzing starts: the golden exports, a small MetaHeac, and every op in each of its test cases.
 */
import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Builder } from '../../packages/onnx-grad/src/graph/builder.ts';
import type { Graph, Value } from '../../packages/onnx-grad/src/graph/ir.ts';
import { elementCount, isConcrete, isFloat, tensor } from '../../packages/onnx-grad/src/graph/tensor.ts';
import { writeModel } from '../../packages/onnx-grad/src/onnx/write.ts';
import type { OpType } from '../../packages/onnx-grad/src/ops/attributes.ts';
import { createRng } from '../../src/lib/rng.ts';
import { tinyGraph } from '../model/tiny-model.ts';
import { CASES } from './ops/cases.ts';
import type { Case, CaseInput } from './ops/harness.ts';

const GOLDEN = join(import.meta.dirname, '..', 'golden');

/** Writes the files into `folder`, as `model-*` and `op-*`; returns how many. */
export function writeSeeds(folder: string): number {
  let count = 0;
  for (const name of readdirSync(GOLDEN)) {
    const path = join(GOLDEN, name, 'model.onnx');
    if (!existsSync(path)) continue;
    copyFileSync(path, join(folder, `model-${name}.onnx`));
    count += 1;
  }
  writeFileSync(join(folder, 'model-tiny.onnx'), writeModel(tinyGraph()));
  for (const [op, { cases }] of Object.entries(CASES)) {
    for (const [i, each] of cases.entries()) {
      writeFileSync(join(folder, `op-${op}-${i}.onnx`), writeModel(graphOf(op as OpType, each as Case<OpType>)));
      count += 1;
    }
  }
  return count + 1;
}

/** The op on inputs that a parameter scales, if they are floats. */
function graphOf<K extends OpType>(op: K, { inputs, attributes }: Case<K>): Graph {
  const b = new Builder();
  const rng = createRng(op);
  const give = (input: CaseInput | null, i: number): Value | null => {
    if (input === null) return null;
    const { dtype, shape, constant } = input;
    if (constant && isConcrete(shape)) return b.constant(tensor(dtype, shape, input.draw(rng, elementCount(shape))));
    const value = b.input(`x${i}`, dtype, shape);
    return isFloat(dtype) ? b.add('Mul', [value, b.initializer(`w${i}`, tensor(dtype, [], [1]))]) : value;
  };
  return b.build(op, b.addAll(op, inputs.map(give), (attributes ?? {}) as never));
}
