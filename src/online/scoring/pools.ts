/** Sums rows of embedding tables for each user outside the graph, with SIMD (pools.wat). */
import { type Feeds, openKernels, type Pool, type Tensor } from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { POOLS_WASM } from './pools-wasm.ts';

/** A list of tokens for each row. Row i has the tokens from `starts[i]` to `starts[i + 1] - 1`. */
export interface TokenLists {
  /** `[rows + 1]`, ascending. */
  readonly starts: Int32Array;
  /** Indices of rows of a table. */
  readonly tokens: Uint16Array | Int32Array;
  /** The weight of each token; null if all weights are 1. */
  readonly weights: Float32Array | null;
}

/** Returns the name of a look-up's lists. Look-ups with the same indices and weights use the same lists. */
export function listName({ index, weights }: Pick<Pool, 'index' | 'weights'>): string {
  return JSON.stringify([index, weights]);
}

/** The exports of pools.wat. */
interface Kernels {
  sum(
    out: number,
    outStride: number,
    table: number,
    width: number,
    starts: number,
    tokens: number,
    weights: number,
    rows: number,
  ): void;
}

interface Sums {
  readonly view: Float32Array;
  readonly columns: number;
}

/** The tables of several look-ups, with room for the lists and sums of one batch. */
export class Pools {
  readonly #pools: readonly Pool[];
  readonly #kernels: Kernels;
  readonly #tables = new Map<string, Float32Array>();
  readonly #sums = new Map<string, Sums>();
  readonly #starts: Int32Array;
  readonly #tokens: Int32Array;
  readonly #weights: Float32Array;

  /** Makes room for batches of at most `rows` rows. */
  constructor(pools: readonly Pool[], rows: number) {
    // look-ups of the same lists follow one another, so that each list is read once
    this.#pools = [...pools].sort((a, b) => (listName(a) < listName(b) ? -1 : 1));
    const tables = new Map(pools.map(({ table, rows: own, width }) => [table, own * width]));
    const columns = new Map<string, number>();
    for (const { input, column, width } of pools) columns.set(input, Math.max(columns.get(input) ?? 0, column + width));
    const longest = rows * Math.max(0, ...pools.map(({ length }) => length));
    const sizes = [...tables.values(), ...[...columns.values()].map((width) => rows * width)];
    const count = sizes.reduce((sum, size) => sum + padded(size), padded(rows + 1) + 2 * padded(longest));
    const { kernels, take } = openKernels<Kernels>(POOLS_WASM, 'pools', 4 * count);
    this.#kernels = kernels;
    // the weights are not at address 0, which means "no weights"
    this.#starts = take(Int32Array, padded(rows + 1));
    this.#tokens = take(Int32Array, padded(longest));
    this.#weights = take(Float32Array, padded(longest));
    for (const [name, size] of tables) this.#tables.set(name, take(Float32Array, padded(size)).subarray(0, size));
    for (const [name, width] of columns)
      this.#sums.set(name, { view: take(Float32Array, padded(rows * width)), columns: width });
  }

  /** Copies the tables that are among `values` into the memory. */
  setTables(values: Iterable<readonly [string, Tensor]>): void {
    for (const [name, { data }] of values) this.#tables.get(name)?.set(data as Float32Array);
  }

  /**
   * Returns the sums of a batch of `rows` rows from the indices and weights in `feeds`. `inputs` names the graph inputs
   * to return. The sums are valid until the next call.
   * @throws AppError invalid_model if an index is outside its table
   */
  sums(feeds: Feeds, rows: number, inputs: ReadonlySet<string>): Feeds {
    let read: Pool | null = null;
    for (const pool of this.#pools) {
      if (!inputs.has(pool.input)) continue;
      const weights = pool.weights === null ? null : (feeds[pool.weights]!.data as Float32Array);
      if (read === null || listName(read) !== listName(pool) || read.rows !== pool.rows)
        this.#readLists(pool, feeds[pool.index]!.data as Int32Array, weights, rows);
      read = pool;
      this.#sum(pool, weights !== null, rows);
    }
    return this.#results(rows, inputs);
  }

  /**
   * Returns the sums for rows `from` to `to - 1` by graph input. `lists` contains the lists by name (`listName`); all
   * tokens must be in the tables. The sums are valid until the next call.
   */
  sumsOfLists(lists: ReadonlyMap<string, TokenLists>, from: number, to: number): Feeds {
    let read: TokenLists | null = null;
    for (const pool of this.#pools) {
      const list = lists.get(listName(pool))!;
      if (list !== read) this.#copyLists(list, from, to);
      read = list;
      this.#sum(pool, list.weights !== null, to - from);
    }
    return this.#results(to - from, new Set(this.#sums.keys()));
  }

  /** Reads lists of equal length, skipping entries with weight 0. Negative indices count from the end of the table. */
  #readLists(pool: Pool, indices: Int32Array, weights: Float32Array | null, rows: number): void {
    const { length, rows: tableRows, table } = pool;
    const [starts, tokens, kept] = [this.#starts, this.#tokens, this.#weights];
    let end = 0;
    for (let row = 0, at = 0; row < rows; row++) {
      starts[row] = end;
      for (let i = 0; i < length; i++, at++) {
        const index = indices[at]!;
        const token = index < 0 ? index + tableRows : index;
        if (token < 0 || token >= tableRows)
          throw new AppError('invalid_model', `index ${index} is outside table "${table}" of ${tableRows} rows`);
        if (weights !== null && weights[at] === 0) continue;
        if (weights !== null) kept[end] = weights[at]!;
        tokens[end++] = token;
      }
    }
    starts[rows] = end;
  }

  #copyLists({ starts, tokens, weights }: TokenLists, from: number, to: number): void {
    const [first, end] = [starts[from]!, starts[to]!];
    for (let i = 0; i <= to - from; i++) this.#starts[i] = starts[from + i]! - first;
    this.#tokens.set(tokens.subarray(first, end));
    if (weights !== null) this.#weights.set(weights.subarray(first, end));
  }

  #sum({ table, width, input, column }: Pool, isWeighted: boolean, rows: number): void {
    const { view, columns } = this.#sums.get(input)!;
    this.#kernels.sum(
      view.byteOffset + 4 * column,
      4 * columns,
      this.#tables.get(table)!.byteOffset,
      width,
      this.#starts.byteOffset,
      this.#tokens.byteOffset,
      isWeighted ? this.#weights.byteOffset : 0,
      rows,
    );
  }

  #results(rows: number, inputs: ReadonlySet<string>): Feeds {
    const out: Record<string, Tensor> = {};
    for (const [name, { view, columns }] of this.#sums)
      if (inputs.has(name))
        out[name] = { dtype: 'float32', shape: [rows, columns], data: view.subarray(0, rows * columns) };
    return out;
  }
}

/** Names of the indices and weights of some pools. */
export function listsOf(pools: readonly Pool[]): ReadonlySet<string> {
  return new Set(pools.flatMap(({ index, weights }) => (weights === null ? [index] : [index, weights])));
}

/** Rounds up to a multiple of four, the number of values per instruction. */
const padded = (count: number): number => 4 * Math.ceil(count / 4);
