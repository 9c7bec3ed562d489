/** Reads, types and differentiates mutated files in its own process, and reports each outcome to its parent. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GraphError } from '../../../packages/onnx-grad/src/errors.ts';
import { Builder } from '../../../packages/onnx-grad/src/graph/builder.ts';
import { addGradients } from '../../../packages/onnx-grad/src/graph/differentiate.ts';
import type { Graph } from '../../../packages/onnx-grad/src/graph/ir.ts';
import { isFloat } from '../../../packages/onnx-grad/src/graph/tensor.ts';
import { readModel } from '../../../packages/onnx-grad/src/onnx/read.ts';
import { trainableParameters } from '../../../packages/onnx-grad/src/rewrite/cut-tables.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { MUTATIONS, mutate } from '../mutate.ts';

export interface FuzzSummary {
  readonly files: number;
  /** By outcome: refused when read, refused when differentiated, completed. */
  readonly refused: number;
  readonly underivable: number;
  readonly taken: number;
  /** Errors that are not refusals, with the number of the file. */
  readonly crashes: readonly string[];
  /** CPU time of the slowest file, and its number. */
  readonly slowestMs: number;
  readonly slowest: number;
  readonly largestRssBytes: number;
}

export type FuzzMessage = { readonly file: number } | FuzzSummary;

/** The gradients of the sum of all outputs, for all parameters. */
function differentiateAll(graph: Graph): void {
  const b = Builder.from(graph);
  const parameters = trainableParameters(graph).map((name) => b.get(name));
  const sums = graph.outputs
    .map((name) => b.get(name))
    .filter(({ dtype }) => isFloat(dtype))
    .map((value) => b.add('Cast', [b.add('ReduceSum', [value], { keepdims: 0 })], { to: 'float32' }));
  if (sums.length === 0 || parameters.length === 0) return;
  const loss = sums.reduce((sum, value) => b.add('Add', [sum, value]));
  addGradients(b, b.build('loss', [loss]), loss, parameters);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function run(folder: string, seed: string, count: number): FuzzSummary {
  const names = readdirSync(folder).sort();
  const files = names.map((name): Uint8Array => readFileSync(join(folder, name)));
  const models = files.filter((_, i) => names[i]!.startsWith('model-'));
  let [refused, underivable, taken, slowestMs, slowest, largestRssBytes] = [0, 0, 0, 0, 0, 0];
  const crashes: string[] = [];
  for (let i = 0; i < count; i++) {
    if (i % 50 === 0) process.send?.({ file: i } satisfies FuzzMessage);
    const rng = createRng(`${seed}/${i}`);
    // half from whole models, half from the far more numerous files of a single op
    const from = rng.integer(2) === 0 ? models : files;
    const bytes = mutate(rng, MUTATIONS[i % MUTATIONS.length]!, from[rng.integer(from.length)]!, files);
    const start = cpuMs();
    let graph: Graph | null = null;
    try {
      graph = readModel(bytes);
      differentiateAll(graph);
      taken += 1;
    } catch (error) {
      if (!(error instanceof GraphError)) crashes.push(`file ${i}: ${(error as Error).stack}`);
      if (graph) underivable += 1;
      else refused += 1;
    }
    const ms = cpuMs() - start;
    if (ms > slowestMs) [slowestMs, slowest] = [ms, i];
    largestRssBytes = Math.max(largestRssBytes, process.memoryUsage.rss());
  }
  return { files: count, refused, underivable, taken, crashes, slowestMs, slowest, largestRssBytes };
}

const [folder, seed, count] = process.argv.slice(2) as [string, string, string];
process.send?.(run(folder, seed, Number(count)) satisfies FuzzMessage, () => process.exit(0));
