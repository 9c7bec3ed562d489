/**
 * Reads `test/golden/*.json`: numbers of the published PyTorch code, by PyTorch's names, against MetaHeac's own graph.
 */
import { readFileSync } from 'node:fs';
import { type Graph, type Tensor, tensor } from '../../packages/onnx-grad/index.ts';
import type { LabelledBatch } from '../../packages/onnx-grad/src/adam/adam-program.ts';
import type { Feeds } from '../../packages/onnx-grad/src/session/session.ts';
import { buildMetaHeac, type MetaHeacConfig } from '../../src/model/architectures/metaheac.ts';

type Columns = Record<string, number[] | number[][]>;
type Named = Record<string, number[]>;

export interface MetaHeacGolden {
  config: {
    embedding_dim: number;
    mlp_dims: [number, number];
    num_expert: number;
    num_output: number;
    static: Record<string, number>;
    dynamic: Record<string, number>;
    dynamic_length: Record<string, number>;
    ad: Record<string, number>;
  };
  shapes: Record<string, number[]>;
  parameters: Named;
  forward: { batch: Columns; labels: number[]; scores: number[]; loss: number; gradients: Named };
  adaptation: {
    lr: number;
    epochs: number;
    batches: Columns[];
    labels: number[][];
    losses: number[];
    parameters_after: Named;
    scores_after: number[];
  };
  meta_step: {
    local_lr: number;
    global_lr: number;
    support: Columns[];
    support_labels: number[][];
    query: Columns[];
    query_labels: number[][];
    query_loss: number;
    meta_gradients: Named;
    parameters_after: Named;
  };
}

export function readGolden(path: string): MetaHeacGolden {
  return JSON.parse(readFileSync(path, 'utf8')) as MetaHeacGolden;
}

/** For each of our parameters, PyTorch's tensors that it stacks, in order. */
function partsOf({ config }: MetaHeacGolden): Map<string, string[]> {
  const experts = Array.from({ length: config.num_expert }, (_, i) => i);
  const critics = Array.from({ length: config.num_output }, (_, i) => i);
  const parts = new Map<string, string[]>();
  for (const [side, kind, features] of [
    ['user', 'static', config.static],
    ['user', 'dynamic', config.dynamic],
    ['campaign', 'ad', config.ad],
  ] as const) {
    for (const [i, name] of Object.keys(features).entries())
      parts.set(`${side}.${name}.embedding`, [`embedding.${kind}_emb.embeddings.${i}.weight`]);
  }
  for (const [ours, layer] of [
    ['0', 0],
    ['1', 2],
  ] as const) {
    for (const what of ['weight', 'bias']) {
      parts.set(
        `experts.${ours}.${what}`,
        experts.map((i) => `mlp.${i}.mlp.${layer}.${what}`),
      );
      parts.set(`gate.experts.${ours}.${what}`, [`attention_layer.${layer}.${what}`]);
      parts.set(`gate.critics.${ours}.${what}`, [`output_attention_layer.${layer}.${what}`]);
    }
  }
  for (const what of ['weight', 'bias'])
    parts.set(
      `critics.${what}`,
      critics.map((i) => `output_layer.${i}.${what}`),
    );
  return parts;
}

export function graphOf(golden: MetaHeacGolden): Graph {
  const { config } = golden;
  const features = (kind: 'single' | 'multi', sizes: Record<string, number>) =>
    Object.entries(sizes).map(([name, largest]) => ({
      name,
      kind,
      rows: largest + 1,
      ...(kind === 'multi' ? { maxLength: config.dynamic_length[name]! } : {}),
    }));
  const ours: MetaHeacConfig = {
    user: [...features('single', config.static), ...features('multi', config.dynamic)],
    campaign: features('single', config.ad),
    embedding: config.embedding_dim,
    hidden: config.mlp_dims,
    experts: config.num_expert,
    critics: config.num_output,
  };
  const parts = partsOf(golden);
  return buildMetaHeac(ours, (name, shape) =>
    tensor(
      'float32',
      shape,
      parts.get(name)!.flatMap((part) => golden.parameters[part]!),
    ),
  );
}

/** PyTorch's tensors out of ours. */
export function toPyTorch(golden: MetaHeacGolden, ours: ReadonlyMap<string, ArrayLike<number>>): Map<string, number[]> {
  const out = new Map<string, number[]>();
  for (const [name, parts] of partsOf(golden)) {
    let at = 0;
    for (const part of parts) {
      const size = golden.parameters[part]!.length;
      out.set(part, Array.from(ours.get(name)!).slice(at, at + size));
      at += size;
    }
  }
  return out;
}

export function batchOf({ config }: MetaHeacGolden, columns: Columns, labels: number[]): LabelledBatch {
  const ints = (values: number[] | number[][], shape: number[]): Tensor => tensor('int32', shape, values.flat());
  const count = labels.length;
  const feeds: Record<string, Tensor> = {};
  for (const name of Object.keys(config.static)) feeds[`user.${name}`] = ints(columns[name]!, [count]);
  for (const name of Object.keys(config.dynamic)) {
    feeds[`user.${name}`] = ints(columns[name]!, [count, config.dynamic_length[name]!]);
    feeds[`user.${name}.length`] = ints(columns[`${name}_length`]!, [count]);
  }
  // one campaign a batch: its inputs are [1]
  for (const name of Object.keys(config.ad))
    feeds[`campaign.${name}`] = ints(columns[name]!.slice(0, 1) as number[], [1]);
  return { feeds: feeds as Feeds, labels: Float32Array.from(labels) };
}
