/**
 * Reads the features by which the graph multiplies a parameter for each user, without running the rest of the model.
 */
import {
  assembleRows,
  type Feeds,
  findLinearTerm,
  type Graph,
  openSession,
  type Part,
  pruneInputs,
  readPart,
  type SessionOptions,
  splitHeads,
  type Tensor,
} from '../../../packages/onnx-grad/index.ts';
import { assert } from '../../lib/errors.ts';
import type { SparseRows } from './sparse-rows.ts';

/** Number of rows that are read in one run. */
export const READ_ROWS = 2048;

export interface RegressionReader {
  /** Number of elements of the parameter. */
  readonly width: number;
  /**
   * Returns the features of `rows` users; `feedsOf` returns the model's inputs for a range of these users. Columns are
   * elements of the parameter.
   */
  read(rows: number, feedsOf: (from: number, to: number) => Feeds): Promise<SparseRows>;
  close(): Promise<void>;
}

/**
 * Opens a reader for `parameter`, which must be a table that only shifts logits. This was checked when the model was
 * loaded.
 */
export async function openRegressionReader(
  graph: Graph,
  parameter: string,
  options: SessionOptions = {},
): Promise<RegressionReader> {
  const { body, head } = splitHeads(graph, [parameter]);
  const term = findLinearTerm(head, [parameter]);
  assert(term?.weightGraph, `${parameter} is not a table that shifts logits`);
  const { weightGraph, lookups } = term;
  const needed = new Set([...weightGraph.inputs, ...lookups.map(({ index }) => index)]);
  const computed = body ? body.outputs.filter((name) => needed.has(name)) : [];
  const before =
    body && computed.length > 0
      ? await openSession(pruneInputs({ ...body, outputs: computed, overrides: new Map() }, []), options)
      : null;
  const weights = await openSession(weightGraph, options);
  const { dtype, shape, data } = graph.initializers.get(parameter)!;
  const width = data.length;
  // the features do not depend on the parameter's values
  const table: Tensor = { dtype, shape, data: new Float32Array(width) };
  return {
    width,
    async read(rows, feedsOf) {
      const parts: Part[] = [];
      for (let from = 0; from < rows; from += READ_ROWS) {
        const to = Math.min(from + READ_ROWS, rows);
        const feeds = { ...feedsOf(from, to), [parameter]: table };
        const given: Feeds = { ...feeds, ...(await before?.run(feeds)) };
        const values: Feeds = { ...given, ...(await weights.run(given)) };
        for (const { index, weight } of lookups)
          parts.push(readPart(parameter, table, values[index]!, values[weight]!, from, to));
      }
      return { width, ...assembleRows(parts, rows, width, (_, element) => element) };
    },
    async close() {
      await before?.close();
      await weights.close();
    },
  };
}
