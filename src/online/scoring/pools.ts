/** Sums looked-up rows of tables outside the graph, several values per instruction (pools.wat). */
import type { Feeds, Pool, PoolCut, Tensor } from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import { POOLS_WASM } from './pools-wasm.ts';

const PAGE_BYTES = 2 ** 16;

/** The tables of a `PoolCut`, with room for the indices, weights and sums of one batch. */
export class Pools {
  readonly #cut: PoolCut;
  readonly #kernels: Kernels;
  readonly #tables = new Map<string, Float32Array>();
  /** Arrays for the indices and weights, by name. */
  readonly #lists = new Map<string, { readonly view: Int32Array | Float32Array; readonly length: number }>();
  readonly #sums = new Map<string, Float32Array>();

  /** Makes room for batches of at most `rows` rows. */
  constructor(cut: PoolCut, rows: number) {
    this.#cut = cut;
    const sizes = [
      ...cut.pools.flatMap((pool) => [pool.rows * pool.width, rows * pool.length, rows * pool.length]),
      ...[...cut.columns.values()].map((columns) => rows * columns),
    ];
    // every size is rounded up
    const bytes = sizes.reduce((sum, size) => sum + 4 * padded(size), 0);
    const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / PAGE_BYTES) + 1) });
    const module = new WebAssembly.Module(Buffer.from(POOLS_WASM, 'base64'));
    this.#kernels = new WebAssembly.Instance(module, { pools: { memory } }).exports as Kernels;
    // address 0 means "no weights"
    let at = 16;
    const take = (count: number): number => {
      const from = at;
      at += 4 * padded(count);
      return from;
    };
    for (const { table, rows: own, width, index, weights, length } of cut.pools) {
      if (!this.#tables.has(table))
        this.#tables.set(table, new Float32Array(memory.buffer, take(own * width), own * width));
      if (!this.#lists.has(index))
        this.#lists.set(index, { view: new Int32Array(memory.buffer, take(rows * length), rows * length), length });
      if (weights !== null && !this.#lists.has(weights))
        this.#lists.set(weights, { view: new Float32Array(memory.buffer, take(rows * length), rows * length), length });
    }
    for (const [name, columns] of cut.columns)
      this.#sums.set(name, new Float32Array(memory.buffer, take(rows * columns), rows * columns));
  }

  /** Copies the tables that are among `values` into the memory. */
  setTables(values: Iterable<readonly [string, Tensor]>): void {
    for (const [name, { data }] of values) this.#tables.get(name)?.set(data as Float32Array);
  }

  /**
   * Returns the sums of a batch of `rows` rows; `inputs` names the graph inputs to return. The sums are valid until the
   * next call. An index outside its table causes an `invalid_model` error.
   */
  sums(lists: Feeds, rows: number, inputs: ReadonlySet<string>): Feeds {
    const pools = this.#cut.pools.filter(({ input }) => inputs.has(input));
    for (const name of listsOf(pools)) {
      const { view, length } = this.#lists.get(name)!;
      view.set((lists[name]!.data as Int32Array).subarray(0, rows * length));
    }
    for (const pool of pools) this.#sum(pool, rows);
    const out: Record<string, Tensor> = {};
    for (const [name, columns] of this.#cut.columns) {
      if (!inputs.has(name)) continue;
      const data = this.#sums.get(name)!.subarray(0, rows * columns);
      out[name] = { dtype: 'float32', shape: [rows, columns], data };
    }
    return out;
  }

  #sum({ table, rows: tableRows, width, index, length, weights, input, column }: Pool, rows: number): void {
    const indices = this.#lists.get(index)!.view;
    const done = this.#kernels.pool(
      this.#sums.get(input)!.byteOffset + 4 * column,
      4 * this.#cut.columns.get(input)!,
      this.#tables.get(table)!.byteOffset,
      tableRows,
      width,
      indices.byteOffset,
      weights === null ? 0 : this.#lists.get(weights)!.view.byteOffset,
      length,
      rows,
    );
    if (done === rows) return;
    const own = indices.subarray(done * length, (done + 1) * length);
    const wrong = own.find((value) => value < -tableRows || value >= tableRows);
    throw new AppError('invalid_model', `index ${wrong} is outside table "${table}" of ${tableRows} rows`);
  }
}

/** Names of the indices and weights of some pools. */
export function listsOf(pools: readonly Pool[]): ReadonlySet<string> {
  return new Set(pools.flatMap(({ index, weights }) => (weights === null ? [index] : [index, weights])));
}

/** The exports of pools.wat. */
interface Kernels {
  pool(
    out: number,
    outStride: number,
    table: number,
    tableRows: number,
    width: number,
    index: number,
    weights: number,
    length: number,
    rows: number,
  ): number;
}

/** Rounds up to a multiple of four, the number of values per instruction. */
const padded = (count: number): number => 4 * Math.ceil(count / 4);
