/** Features of parameters that are not tables: their coefficients in each row's linear term. */
import type { Parameters } from '../adam/compaction.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { LinearTerm } from '../rewrite/find-linear-term.ts';
import { type RowFeatures, rowFeatures } from '../rewrite/row-features.ts';
import { splitFrozen } from '../rewrite/split-frozen.ts';
import { type Feeds, openSession, type SessionOptions } from '../session/session.ts';

export interface DenseReader {
  /** Returns the features of `rows` rows, `[rows, elements of the term's dense parameters]`. */
  read(feeds: Feeds, start: Parameters, rows: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** `tables` are the parameters that are tables. */
export async function openDenseReader(
  term: Pick<LinearTerm, 'termGraph' | 'value' | 'dense'>,
  tables: readonly string[],
  options: SessionOptions,
): Promise<DenseReader> {
  const features = rowFeatures(term.termGraph, term.value, term.dense);
  return features ? openGradientReader(features, term.dense, options) : openUnitReader(term, tables, options);
}

/** Reads all features of a row in one run. */
async function openGradientReader(
  { graph, outputs }: RowFeatures,
  dense: readonly string[],
  options: SessionOptions,
): Promise<DenseReader> {
  const session = await openSession(graph, options);
  return {
    async read(feeds, start, rows) {
      const copies = dense.map((name): [string, Tensor] => {
        const { shape, data } = start.get(name)!;
        return [name, { dtype: 'float32', shape: [rows, ...shape], data: new Float32Array(rows * data.length) }];
      });
      const out = await session.run({ ...feeds, ...Object.fromEntries(start), ...Object.fromEntries(copies) });
      const width = widthOf(dense, start);
      const all = new Float32Array(rows * width);
      let column = 0;
      for (const name of dense) {
        const own = out[outputs.get(name)!]!.data as Float32Array;
        const count = own.length / rows;
        for (let row = 0, k = 0; row < rows; row++)
          for (let at = row * width + column, end = at + count; at < end; ) all[at++] = own[k++]!;
        column += count;
      }
      return all;
    },
    close: () => session.close(),
  };
}

/**
 * Reads the features with one run for each element. In this run, the element is 1 and all others are 0; the resulting
 * change in the linear term is the element's column.
 */
async function openUnitReader(
  { termGraph, dense }: Pick<LinearTerm, 'termGraph' | 'dense'>,
  tables: readonly string[],
  options: SessionOptions,
): Promise<DenseReader> {
  // the contribution of the tables is computed once for all elements of the other parameters
  const split = splitFrozen(termGraph, dense);
  const body = split.body ? await openSession(split.body, options) : null;
  const head = await openSession(split.head, options);
  return {
    async read(feeds, start, rows) {
      const zero = (name: string): Tensor => {
        const { dtype, shape, data } = start.get(name)!;
        return { dtype, shape, data: new Float32Array(data.length) };
      };
      const width = widthOf(dense, start);
      const out = new Float32Array(rows * width);
      const [output] = head.outputs;
      const zeros = Object.fromEntries([...tables, ...dense].map((name) => [name, zero(name)]));
      const fixed = { ...feeds, ...zeros, ...(body ? await body.run({ ...feeds, ...zeros }) : {}) };
      const base = (await head.run(fixed))[output!]!.data as Float32Array;
      let column = 0;
      for (const name of dense) {
        const unit = zero(name);
        for (let i = 0; i < unit.data.length; i++, column++) {
          unit.data[i] = 1;
          const result = (await head.run({ ...fixed, [name]: unit }))[output!]!.data as Float32Array;
          for (let row = 0; row < rows; row++) out[row * width + column] = result[row]! - base[row]!;
          unit.data[i] = 0;
        }
      }
      return out;
    },
    async close() {
      await body?.close();
      await head.close();
    },
  };
}

function widthOf(dense: readonly string[], start: Parameters): number {
  return dense.reduce((sum, name) => sum + start.get(name)!.data.length, 0);
}
