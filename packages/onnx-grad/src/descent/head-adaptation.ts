/**
 * Gradient descent on a few parameters of a graph. The part of the graph that does not depend on these parameters (the
 * body) is computed once per row. Steps run only the rest of the graph (the head).
 */

import type { Parameters } from '../adam/compaction.ts';
import { OnnxGradError } from '../errors.ts';
import type { Graph } from '../graph/ir.ts';
import { isConcrete, type Tensor, type TensorType } from '../graph/tensor.ts';
import { cutTables } from '../rewrite/cut-tables.ts';
import { findLinearTerm, type LinearTerm } from '../rewrite/find-linear-term.ts';
import { type Split, splitFrozen } from '../rewrite/split-frozen.ts';
import { inOwnMemory, putFeed } from '../session/feed-rows.ts';
import { type Feeds, openSession, type SessionOptions } from '../session/session.ts';
import type { BoundaryActivations, HeadRun } from './head-run.ts';
import { buildLinkStep, openLinearProgram } from './linear-run.ts';
import { BodyBlocks, type SharedBody } from './shared-body.ts';

/** Maximum number of rows per run of the body. */
const BODY_ROWS = 2048;

export interface HeadProgram {
  /**
   * Runs the body on `rows` rows. `feedsOf` returns the graph's inputs for rows `from` to `to - 1`. Threads that pass
   * the same `body` divide the runs between them; they must pass the same parameters, rows and inputs.
   */
  boundary(
    parameters: Parameters,
    rows: number,
    feedsOf: (from: number, to: number) => Feeds,
    body?: SharedBody,
  ): Promise<BoundaryActivations>;
  /** Starts a run from `parameters` on the rows of `boundary`. */
  start(parameters: Parameters, boundary: BoundaryActivations): Promise<HeadRun>;
  close(): Promise<void>;
}

/**
 * `graph` split at `parameters`. All float32 parameters become inputs, so that sessions can be reused with new values.
 */
export function splitHeads(graph: Graph, parameters: readonly string[]): Split {
  const all = [...graph.initializers].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
  return splitFrozen(cutTables(graph, all, { compact: false }).compactGraph, parameters);
}

/**
 * Returns the graphs that gradient descent on `parameters` of `graph` runs: `body` once per row (null if there is no
 * body), then `step` repeatedly.
 */
export function headGraphs(graph: Graph, parameters: readonly string[]): { body: Graph | null; step: Graph } {
  const { body, head } = splitHeads(graph, parameters);
  return { body, step: buildLinkStep(termOf(head, parameters)) };
}

function termOf(head: Graph, parameters: readonly string[]): LinearTerm {
  const term = findLinearTerm(head, parameters);
  if (term) return term;
  throw new OnnxGradError(
    'not_linear',
    `gradient descent needs parameters that only shift logits, but ${parameters.join(', ')} have other effects`,
  );
}

/**
 * Prepares gradient descent on `parameters` of `graph`, and opens the sessions. The first output of `graph` is the
 * score, `[batch]`. Only `blend` uses the options `regression` (one of `parameters`, which steps do not change) and
 * `scale` (not one of `parameters`). If the parameters do not act through a linear term, a `not_linear` error is
 * thrown. A graph that cannot be split or differentiated causes a GraphError.
 */
export async function openHeadProgram(
  graph: Graph,
  parameters: readonly string[],
  options: SessionOptions & { regression?: string; scale?: string } = {},
): Promise<HeadProgram> {
  const { body, head } = splitHeads(graph, parameters);
  const bodySession = body ? await openSession(body, options) : null;
  const program = await openLinearProgram(termOf(head, parameters), parameters, options);
  const boundaryNames = head.inputs.filter((name) => !parameters.includes(name));
  const [batch] = graph.values.get(graph.outputs[0]!)!.shape;
  const isPerRow = (name: string) => head.values.get(name)!.shape[0] === batch;
  const perRowNames = boundaryNames.filter(isPerRow);
  const sharedNames = boundaryNames.filter((name) => !isPerRow(name));
  return {
    async boundary(values, rows, feedsOf, body) {
      const fixed = Object.fromEntries(values);
      const run = async (block: number): Promise<Block> => {
        const from = block * BODY_ROWS;
        const given = { ...feedsOf(from, Math.min(from + BODY_ROWS, rows)), ...fixed };
        // the head may also read a parameter that is not adapted
        return { from, out: { ...given, ...(bodySession ? await bodySession.run(given) : {}) } };
      };
      const blocks = Math.ceil(rows / BODY_ROWS);
      const types = new Map(perRowNames.map((name) => [name, head.values.get(name)!]));
      const together = body && areKnown(types) ? BodyBlocks.open(body, blocks, rows, types) : null;
      const found = together && (await runTogether(together, run));
      if (found) return { rows, perRow: ownValues(together), shared: pick(found.out, sharedNames) };
      const perRow: Record<string, Tensor> = {};
      let shared: Feeds = {};
      for (let block = 0; block < blocks; block++) {
        const { from, out } = await run(block);
        for (const name of perRowNames) putFeed(perRow, name, out[name]!, from, rows);
        shared = pick(out, sharedNames);
      }
      return { rows, perRow, shared };
    },
    start: (values, boundary) => program.start(values, boundary),
    async close() {
      await bodySession?.close();
      await program.close();
    },
  };
}

/** The values of the boundary for the rows of a block, which begins at row `from`. */
interface Block {
  readonly from: number;
  readonly out: Feeds;
}

/**
 * Runs the blocks that no other thread takes. Returns the last of these blocks; null if another thread did not finish.
 */
async function runTogether(blocks: BodyBlocks, run: (block: number) => Promise<Block>): Promise<Block | null> {
  let last: Block | null = null;
  try {
    for (let block = blocks.take(); block !== null; block = blocks.take()) {
      last = await run(block);
      const { from, out } = last;
      for (const name of Object.keys(blocks.values)) putFeed(blocks.values, name, out[name]!, from, 0);
      blocks.finish();
    }
    // a thread that found no block left still needs the values without a batch axis
    last ??= await run(0);
  } catch (error) {
    blocks.fail();
    throw error;
  }
  return (await blocks.wait()) ? last : null;
}

/** Copies of the values, because ONNX Runtime does not accept shared memory. */
function ownValues({ values }: BodyBlocks): Feeds {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, inOwnMemory(value)]));
}

function areKnown(types: ReadonlyMap<string, TensorType>): boolean {
  return [...types.values()].every(({ shape }) => isConcrete(shape.slice(1)));
}

function pick(feeds: Feeds, names: readonly string[]): Feeds {
  return Object.fromEntries(names.map((name) => [name, feeds[name]!]));
}
