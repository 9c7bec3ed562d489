/** Computes the user side of a population's rows. */
import { type Feeds, openSession, type Pool, type Session, type Tensor } from '../../../packages/onnx-grad/index.ts';
import { AppError } from '../../lib/errors.ts';
import type { Rows } from '../../population/read.ts';
import type { Binding } from '../binding.ts';
import { type EncodingOptions, encodeCampaign, encodeUsers, IdArrays } from '../encode.ts';
import type { OwnToken } from '../own-token.ts';
import { listName, Pools, type TokenLists } from '../scoring/pools.ts';
import { BATCH_ROWS, type ScoredModel, type ScorerOptions } from '../scoring/scored-model.ts';
import type { UserSide } from './user-side-codec.ts';
import type { UserSideGraphs } from './user-side-graphs.ts';

/** Tables with at most this many rows have indices of 16 bits. */
const SHORT_ROWS = 2 ** 16;
/** Number of tokens per row for which there is room at first. */
const MEAN_TOKENS = 64;

export class UserSideMaker {
  readonly #model: ScoredModel;
  readonly #graphs: UserSideGraphs;
  readonly #indices: Session | null;
  readonly #users: Session | null;
  readonly #pools: Pools;
  /** The values that the users' part reads from the part that does not depend on users. */
  readonly #fixed: Feeds;
  readonly #ids = new IdArrays();

  private constructor(
    model: ScoredModel,
    graphs: UserSideGraphs,
    sessions: { readonly indices: Session | null; readonly users: Session | null; readonly fixed: Feeds },
  ) {
    this.#model = model;
    this.#graphs = graphs;
    this.#indices = sessions.indices;
    this.#users = sessions.users;
    this.#fixed = sessions.fixed;
    this.#pools = new Pools(graphs.pools, BATCH_ROWS);
    this.#pools.setTables(model.graph.initializers);
    this.#pools.setTables(Object.entries(sessions.fixed));
  }

  static async open(model: ScoredModel, graphs: UserSideGraphs, options: ScorerOptions): Promise<UserSideMaker> {
    // the values that the users' part and the tables read from the campaign's part are the same for all campaigns
    const campaign = graphs.campaign && (await openSession(graphs.campaign));
    const given = {
      ...Object.fromEntries(model.graph.initializers),
      ...encodeCampaign(model.graph, model.folder, {}, 1),
    };
    const fixed = (await campaign?.run(given)) ?? {};
    await campaign?.close();
    return new UserSideMaker(model, graphs, {
      // the indices are computed on the CPU, where the look-ups are done
      indices: graphs.indices && (await openSession(graphs.indices)),
      users: graphs.users && (await openSession(graphs.users, options)),
      fixed: { ...Object.fromEntries(model.graph.initializers), ...fixed },
    });
  }

  /** Returns the user side of `rows`. `without` is a token to leave out, if any. `binding` may be masked. */
  async make(rows: Rows, without: OwnToken | null = null, binding = this.#model.binding): Promise<UserSide> {
    const values = new Map<string, Tensor>();
    const lists = new ListWriters(this.#graphs.lists, rows.count);
    for (let from = 0; from < rows.count; from += BATCH_ROWS) {
      const to = Math.min(from + BATCH_ROWS, rows.count);
      const given = await this.#given(rows, binding, { without, range: { from, to } });
      lists.add(given, to - from);
      const sums = this.#pools.sums(given, to - from, new Set(this.#graphs.columns.keys()));
      const out = { ...given, ...(await this.#users?.run({ ...this.#fixed, ...given, ...sums })) };
      for (const name of this.#graphs.values) put(values, name, { ...sums, ...out }[name]!, from, rows.count);
    }
    return { count: rows.count, userNumbers: rows.userNumbers, values, lists: lists.finish() };
  }

  async close(): Promise<void> {
    await this.#indices?.close();
    await this.#users?.close();
  }

  async #given(rows: Rows, binding: Binding, what: Pick<EncodingOptions, 'without' | 'range'>): Promise<Feeds> {
    const users = encodeUsers(this.#model.graph, binding, rows, { ...what, into: this.#ids });
    return { ...users, ...(await this.#indices?.run({ ...this.#fixed, ...users })) };
  }
}

function outside(index: number, table: string, rows: number): AppError {
  return new AppError('invalid_model', `index ${index} is not in table "${table}" of ${rows} rows`);
}

/** Copies the values of a batch to their place among the values of all rows. */
function put(values: Map<string, Tensor>, name: string, batch: Tensor, from: number, rows: number): void {
  const [count, ...sizes] = batch.shape;
  const width = batch.data.length / Math.max(count!, 1);
  let all = values.get(name);
  if (!all) {
    const data = new (batch.data.constructor as Float32ArrayConstructor)(rows * width);
    all = { dtype: batch.dtype, shape: [rows, ...sizes], data };
    values.set(name, all);
  }
  (all.data as Float32Array).set(batch.data as Float32Array, from * width);
}

/** Writes lists without the entries that have weight 0. */
class ListWriters {
  readonly #lists: readonly ListWriter[];

  constructor(pools: UserSideGraphs['lists'], rows: number) {
    const byName = new Map(pools.map((pool) => [listName(pool), pool]));
    this.#lists = [...byName].map(([name, pool]) => new ListWriter(name, pool, rows));
  }

  add(given: Feeds, rows: number): void {
    for (const list of this.#lists) list.add(given, rows);
  }

  finish(): ReadonlyMap<string, TokenLists> {
    return new Map(this.#lists.map((list) => [list.name, list.finish()]));
  }
}

class ListWriter {
  readonly name: string;
  readonly #pool: Pool;
  readonly #starts: Int32Array;
  #tokens: Uint16Array | Int32Array;
  /** null as long as all weights are 1. */
  #weights: Float32Array | null = null;
  #row = 0;
  #end = 0;

  constructor(name: string, pool: Pool, rows: number) {
    this.name = name;
    this.#pool = pool;
    this.#starts = new Int32Array(rows + 1);
    this.#tokens = this.#newTokens(rows * Math.min(pool.length, MEAN_TOKENS));
  }

  add(given: Feeds, rows: number): void {
    const { index, weights, length, rows: tableRows, table } = this.#pool;
    const indices = given[index]!.data as Int32Array;
    const factors = weights === null ? null : (given[weights]!.data as Float32Array);
    this.#reserve(this.#end + rows * length);
    const tokens = this.#tokens;
    let end = this.#end;
    for (let row = 0, at = 0; row < rows; row++) {
      for (let i = 0; i < length; i++, at++) {
        const factor = factors === null ? 1 : factors[at]!;
        if (factor === 0) continue;
        const place = indices[at]!;
        const token = place < 0 ? place + tableRows : place;
        if (!(token >= 0 && token < tableRows)) throw outside(place, table, tableRows);
        if (factor !== 1 || this.#weights !== null) this.#setWeight(end, factor);
        tokens[end++] = token;
      }
      this.#starts[++this.#row] = end;
    }
    this.#end = end;
  }

  finish(): TokenLists {
    const [tokens, weights] = [this.#tokens.subarray(0, this.#end), this.#weights?.subarray(0, this.#end) ?? null];
    return { starts: this.#starts, tokens, weights };
  }

  #setWeight(at: number, factor: number): void {
    this.#weights ??= new Float32Array(this.#tokens.length).fill(1);
    this.#weights[at] = factor;
  }

  #reserve(length: number): void {
    if (length <= this.#tokens.length) return;
    const most = Math.max(length, 2 * this.#tokens.length);
    const tokens = this.#newTokens(most);
    tokens.set(this.#tokens);
    this.#tokens = tokens;
    if (this.#weights === null) return;
    const weights = new Float32Array(most).fill(1);
    weights.set(this.#weights);
    this.#weights = weights;
  }

  #newTokens(length: number): Uint16Array | Int32Array {
    return this.#pool.rows <= SHORT_ROWS ? new Uint16Array(length) : new Int32Array(length);
  }
}
