/** For each user, sums the rows that the user's tokens have in a campaign's tables (token-sums.wat). */
import type { Feeds, Pool, Tensor } from '../../../packages/onnx-grad/index.ts';
import { TOKEN_SUMS_WASM } from './token-sums-wasm.ts';
import { listName, type TokenLists } from './user-side.ts';

const PAGE_BYTES = 2 ** 16;

/** The exports of token-sums.wat. */
interface Kernel {
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

/** A part of the memory. */
interface Area<Numbers> {
  readonly view: Numbers;
  readonly address: number;
}

interface ListArea {
  readonly starts: Area<Int32Array>;
  readonly tokens: Area<Int32Array>;
  readonly weights: Area<Float32Array>;
}

/** The tables of some look-ups, with room for the tokens and sums of one batch. */
export class TokenSums {
  readonly #pools: readonly Pool[];
  readonly #kernel: Kernel;
  readonly #tables = new Map<string, Area<Float32Array>>();
  readonly #lists = new Map<string, ListArea>();
  readonly #sums = new Map<string, Area<Float32Array> & { readonly columns: number }>();

  /** Makes room for batches of at most `rows` rows. */
  constructor(pools: readonly Pool[], rows: number) {
    this.#pools = pools;
    const memory = new WebAssembly.Memory({ initial: pagesFor(pools, rows) });
    const module = new WebAssembly.Module(Buffer.from(TOKEN_SUMS_WASM, 'base64'));
    this.#kernel = new WebAssembly.Instance(module, { sums: { memory } }).exports as Kernel;
    // address 0 means "no weights"
    let end = 16;
    const take = (count: number) => {
      const address = end;
      end += 4 * padded(count);
      return address;
    };
    const ints = (count: number) => {
      const address = take(count);
      return { address, view: new Int32Array(memory.buffer, address, count) };
    };
    const floats = (count: number) => {
      const address = take(count);
      return { address, view: new Float32Array(memory.buffer, address, count) };
    };
    for (const pool of pools) {
      const { table, rows: tableRows, width, length, input } = pool;
      if (!this.#tables.has(table)) this.#tables.set(table, floats(tableRows * width));
      const name = listName(pool);
      const most = rows * length;
      if (!this.#lists.has(name))
        this.#lists.set(name, { starts: ints(rows + 1), tokens: ints(most), weights: floats(most) });
      const columns = columnsOf(pools, input);
      if (!this.#sums.has(input)) this.#sums.set(input, { ...floats(rows * columns), columns });
    }
  }

  /** Copies the tables that are among `values` into the memory. */
  setTables(values: Iterable<readonly [string, Tensor]>): void {
    for (const [name, { data }] of values) this.#tables.get(name)?.view.set(data as Float32Array);
  }

  /**
   * Returns the sums for rows `from` to `to - 1`, by the head's input that receives the sums. The sums are valid until
   * the next call.
   */
  sums(lists: ReadonlyMap<string, TokenLists>, from: number, to: number): Feeds {
    const rows = to - from;
    const isWeighted = new Map<string, boolean>();
    for (const [name, area] of this.#lists) {
      const { starts, tokens, weights } = lists.get(name)!;
      const [first, end] = [starts[from]!, starts[to]!];
      for (let i = 0; i <= rows; i++) area.starts.view[i] = starts[from + i]! - first;
      area.tokens.view.set(tokens.subarray(first, end));
      if (weights !== null) area.weights.view.set(weights.subarray(first, end));
      isWeighted.set(name, weights !== null);
    }
    for (const pool of this.#pools) {
      const name = listName(pool);
      const { starts, tokens, weights } = this.#lists.get(name)!;
      const { address, columns } = this.#sums.get(pool.input)!;
      this.#kernel.sum(
        address + 4 * pool.column,
        4 * columns,
        this.#tables.get(pool.table)!.address,
        pool.width,
        starts.address,
        tokens.address,
        isWeighted.get(name) ? weights.address : 0,
        rows,
      );
    }
    return Object.fromEntries(
      [...this.#sums].map(([name, { view, columns }]) => [
        name,
        { dtype: 'float32', shape: [rows, columns], data: view.subarray(0, rows * columns) },
      ]),
    );
  }
}

function pagesFor(pools: readonly Pool[], rows: number): number {
  const sizes = pools.flatMap((pool) => {
    const { rows: tableRows, width, length, input } = pool;
    return [tableRows * width, rows + 1, rows * length, rows * length, rows * columnsOf(pools, input)];
  });
  const bytes = sizes.reduce((sum, size) => sum + 4 * padded(size), 16);
  return Math.ceil(bytes / PAGE_BYTES);
}

/** The number of columns of an input for sums. */
function columnsOf(pools: readonly Pool[], input: string): number {
  return Math.max(...pools.filter((pool) => pool.input === input).map(({ column, width }) => column + width));
}

/** Rounds up to a multiple of four, the number of values per instruction. */
const padded = (count: number): number => 4 * Math.ceil(count / 4);
