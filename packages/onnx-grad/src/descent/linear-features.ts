/**
 * Features of rows. A feature is the coefficient of a parameter element in the linear term; features are read from the
 * graph once.
 */

import type { Parameters } from '../adam/compaction.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { LinearTerm } from '../rewrite/find-linear-term.ts';
import { sliceFeeds } from '../session/feed-rows.ts';
import { type Feeds, openSession, type Session, type SessionOptions } from '../session/session.ts';
import { assembleRows, type Part, readPart } from './looked-up-rows.ts';

/** The columns of one parameter. */
export interface ColumnBlock {
  readonly parameter: string;
  /** The first column of the block. The block has `elements.length` consecutive columns. */
  readonly first: number;
  /**
   * The parameter elements that have columns, as ascending flat positions. An element that no row looks up never
   * changes and has no column.
   */
  readonly elements: Int32Array;
}

/**
 * The features of some rows: a sparse part (the table elements that a row looks up, with their weights) and a dense
 * part. If c is the change to the parameters since the start, the linear term of row i is
 *
 *     offsets[i] + sum_k values[k] * c[columns[k]] + sum_d dense[i, d] * c[firstDense + d]
 *
 * for starts[i] <= k < starts[i + 1].
 */
export interface LinearFeatures {
  readonly rows: number;
  readonly width: number;
  readonly blocks: readonly ColumnBlock[];
  /** The linear term of each row at the start, `[rows]`. */
  readonly offsets: Float64Array;
  /** The position of each row's first entry, `[rows + 1]`, as in the CSR format. No row repeats a column. */
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float32Array;
  readonly firstDense: number;
  /** The dense part, `[rows, width - firstDense]`. */
  readonly dense: Float32Array;
}

export interface FeatureReader {
  /** Reads the features of `rows` rows of a boundary. `start` contains the initial parameters. */
  read(start: Parameters, perRow: Feeds, shared: Feeds, rows: number): Promise<LinearFeatures>;
  close(): Promise<void>;
}

/** Maximum number of rows per run. */
const READ_ROWS = 2048;

/** Opens the sessions that read the features. The table `without`, which no step changes, has no features. */
export async function openFeatureReader(
  term: LinearTerm,
  { without, ...options }: SessionOptions & { without?: string } = {},
): Promise<FeatureReader> {
  const { termGraph, weightGraph, dense, features } = term;
  const lookups = term.lookups.filter(({ parameter }) => parameter !== without);
  const tables = [...new Set(lookups.map(({ parameter }) => parameter))];
  const denseSession = features && (await openSession(features.graph, options));
  const forward = await openSession(termGraph, options);
  const weights = weightGraph ? await openSession(weightGraph, options) : null;
  const wanted = lookups
    .flatMap(({ index, weight }) => [index, weight])
    .filter((name) => weights?.outputs.includes(name));

  return {
    async read(start, perRow, shared, rows) {
      const placeOf = new Map(tables.map((name) => [name, new Int32Array(start.get(name)!.data.length).fill(-1)]));
      const parts: Part[] = [];
      const denseWidth = dense.reduce((sum, name) => sum + start.get(name)!.data.length, 0);
      const offsets = new Float64Array(rows);
      const denseValues = new Float32Array(rows * denseWidth);
      const given = Object.fromEntries(start);
      for (let from = 0; from < rows; from += READ_ROWS) {
        const to = Math.min(from + READ_ROWS, rows);
        const feeds: Feeds = { ...sliceFeeds(perRow, from, to), ...shared };
        offsets.set((await forward.run({ ...feeds, ...given }))[term.value]!.data as Float32Array, from);
        if (denseSession) {
          const out = denseValues.subarray(from * denseWidth, to * denseWidth);
          await readDense(denseSession, term, { ...feeds, ...given }, start, to - from, out);
        }
        const computed: Feeds =
          weights && lookups.length > 0
            ? { ...feeds, ...(await weights.run({ ...feeds, ...given }, { outputs: wanted })) }
            : feeds;
        for (const { parameter, index, weight } of lookups) {
          const part = readPart(parameter, start.get(parameter)!, computed[index]!, computed[weight]!, from, to);
          const place = placeOf.get(parameter)!;
          for (const element of part.elements) place[element] = 0;
          parts.push(part);
        }
      }
      return assemble(parts, tables, dense, start, placeOf, { rows, offsets, denseValues, denseWidth });
    },
    async close() {
      for (const part of [denseSession, forward, weights]) await part?.close();
    },
  };
}

/**
 * Writes the coefficients of the parameters in `dense` to `out`, `[rows, width]`. Each parameter is fed as one copy per
 * row; only the shape of the copy matters.
 */
async function readDense(
  session: Session,
  { dense, features }: LinearTerm,
  feeds: Feeds,
  start: Parameters,
  rows: number,
  out: Float32Array,
): Promise<void> {
  const copies = dense.map((name): [string, Tensor] => {
    const { shape, data } = start.get(name)!;
    return [name, { dtype: 'float32', shape: [rows, ...shape], data: new Float32Array(rows * data.length) }];
  });
  const read = await session.run({ ...feeds, ...Object.fromEntries(copies) });
  const width = out.length / rows;
  let column = 0;
  for (const name of dense) {
    const own = read[features!.outputs.get(name)!]!.data as Float32Array;
    const count = own.length / rows;
    for (let row = 0; row < rows; row++) out.set(own.subarray(row * count, (row + 1) * count), row * width + column);
    column += count;
  }
}

function assemble(
  parts: readonly Part[],
  tables: readonly string[],
  dense: readonly string[],
  start: Parameters,
  placeOf: ReadonlyMap<string, Int32Array>,
  read: { rows: number; offsets: Float64Array; denseValues: Float32Array; denseWidth: number },
): LinearFeatures {
  const blocks: ColumnBlock[] = [];
  let width = 0;
  const addBlock = (parameter: string, elements: Int32Array): void => {
    blocks.push({ parameter, first: width, elements });
    width += elements.length;
  };
  for (const name of tables) {
    const place = placeOf.get(name)!;
    const used = Int32Array.from(place.keys()).filter((element) => place[element] === 0);
    used.forEach((element, i) => {
      place[element] = width + i;
    });
    addBlock(name, used);
  }
  const firstDense = width;
  for (const name of dense) addBlock(name, Int32Array.from(start.get(name)!.data.keys()));

  const { rows, offsets, denseValues } = read;
  const sparse = assembleRows(parts, rows, firstDense, (parameter, element) => placeOf.get(parameter)![element]!);
  return { rows, width, blocks, offsets, ...sparse, firstDense, dense: denseValues };
}

/**
 * Computes change[j] -= rate * gradient[j] with the learning rate of the column's parameter. Both arrays are `[width]`.
 */
export function descendBlocks(
  { blocks }: LinearFeatures,
  change: Float64Array,
  gradient: Float64Array,
  rates: Readonly<Record<string, number>>,
): void {
  for (const { parameter, first, elements } of blocks) {
    const rate = rates[parameter]!;
    for (let j = first, end = first + elements.length; j < end; j++) change[j]! -= rate * gradient[j]!;
  }
}

/** Returns the value for each column's parameter, `[width]`; 0 for a parameter without a value. */
export function byColumn({ blocks, width }: LinearFeatures, values: Readonly<Record<string, number>>): Float64Array {
  const out = new Float64Array(width);
  for (const { parameter, first, elements } of blocks) out.fill(values[parameter] ?? 0, first, first + elements.length);
  return out;
}
