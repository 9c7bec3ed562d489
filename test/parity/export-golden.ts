/**
 * Reads `test/golden/<folder>/expected.json`: PyTorch's numbers beside the `model.onnx` that `torch.onnx.export` wrote.
 */
import { readFileSync } from 'node:fs';
import { type Graph, isFloat, type Tensor, tensor } from '../../packages/onnx-grad/index.ts';
import type { LabelledBatch } from '../../packages/onnx-grad/src/adam/adam-program.ts';

type Columns = Record<string, number[] | number[][]>;

export interface ExportGolden {
  /**
   * The initializers that are adapted; without the list, all of float32. Others are buffers (running statistics) or
   * numbers that the exporter folded.
   */
  parameters?: string[];
  forward: { inputs: Columns; labels: number[]; scores: number[]; loss: number; gradients: Record<string, number[]> };
  adaptation: {
    lr: number;
    epochs: number;
    batches: Columns[];
    labels: number[][];
    losses: number[];
    parameters_after: Record<string, number[]>;
    scores_after: number[];
  };
}

export function readExportGolden(path: string): ExportGolden {
  return JSON.parse(readFileSync(path, 'utf8')) as ExportGolden;
}

/** The initializers that PyTorch trained. */
export function parametersOf(graph: Graph, { parameters }: ExportGolden): string[] {
  return parameters ?? floatParameters(graph);
}

export function floatParameters(graph: Graph): string[] {
  return [...graph.initializers].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
}

/** The inputs that the graph has, of the types that it declares. */
export function exportedBatch(graph: Graph, columns: Columns, labels: number[]): LabelledBatch {
  const feeds: Record<string, Tensor> = {};
  for (const [name, values] of Object.entries(columns)) {
    const type = graph.values.get(name);
    if (!type || !graph.inputs.includes(name)) continue;
    const shape = Array.isArray(values[0]) ? [values.length, values[0].length] : [values.length];
    feeds[name] = tensor(isFloat(type.dtype) ? 'float32' : type.dtype, shape, values.flat());
  }
  return { feeds, labels: Float32Array.from(labels) };
}
