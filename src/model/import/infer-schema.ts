/** Proposes a schema for an exported model: kinds and lengths from its inputs, vocabulary sizes by trying ids. */
import {
  type Feeds,
  type Graph,
  GraphError,
  indexReader,
  isFloat,
  needsIndexSession,
  openSession,
  prune,
  type Tensor,
  tensor,
  typeText,
} from '../../../packages/onnx-grad/index.ts';
import { messageOf } from '../../lib/errors.ts';
import type { FeatureKind } from '../../lib/feature-kinds.ts';
import { MAXIMUM_LIST_LENGTH } from '../feature-schemas.ts';
import { SIDES, type Side } from '../interface.ts';
import { findLookups, type Lookup } from '../lookups.ts';
import { type ProposedInput, proposeInputs } from './infer-names.ts';

/** A feature in the form of schema.json. The operator must fill in a vocabulary_size that is null. */
export interface ProposedFeature {
  readonly name: string;
  readonly kind: FeatureKind;
  readonly max_length?: number | null;
  readonly vocabulary_size?: number | null;
  readonly size?: number | null;
  readonly missing?: number;
}

export interface ProposedSchema {
  /** The meaning of inputs that are not named after their feature; null if the meaning is unknown. */
  readonly inputs?: Readonly<Record<string, string | null>>;
  readonly features: { readonly user: readonly ProposedFeature[]; readonly campaign: readonly ProposedFeature[] };
}

export interface Proposal {
  readonly schema: ProposedSchema;
  /** Notes on what the graph does not reveal and what violates the contract. */
  readonly notes: readonly string[];
}

/** List width of a feature whose inputs do not specify a width. */
const ANY_WIDTH = 4;
/** An id beyond the end of any table in memory. If this id can be looked up, the model hashes or clips ids. */
const HUGE_ID = 2 ** 31 - 2;
/** Number of ids that are tried one by one to find where hashed or clipped ids begin to repeat. */
const FOLDED_IDS = 65_536;

/**
 * Proposes a schema for `graph`, an exported model. The meaning of inputs that are not named `user.<feature>`,
 * `user.<feature>.length` or `campaign.<feature>` is guessed, with a note. @throws GraphError
 */
export async function inferSchema(graph: Graph): Promise<Proposal> {
  const notes: string[] = [];
  for (const input of graph.inputs) {
    const type = graph.values.get(input)!;
    if (type.shape.some((dim) => typeof dim === 'number' && dim > MAXIMUM_LIST_LENGTH))
      throw new GraphError(
        `input "${input}" is ${typeText(type)}: lists may have at most ${MAXIMUM_LIST_LENGTH} tokens`,
      );
  }
  const proposed = proposeInputs(graph, new Set(findLookups(graph).flatMap(({ inputs }) => inputs)), notes);
  const sizes = await VocabularySizes.open(graph, proposed);
  try {
    const features: Record<Side, ProposedFeature[]> = { user: [], campaign: [] };
    for (const [input, { target, part }] of proposed) {
      const side = SIDES.find((name) => target?.startsWith(`${name}.`));
      if (side && target && part === 'ids')
        features[side].push(await propose(graph, proposed, input, target.slice(side.length + 1), sizes, notes));
    }
    if (features.user.length === 0) notes.push('there is no user feature');
    const others = [...proposed].filter(([input, { target }]) => target !== input);
    const inputs = Object.fromEntries(others.map(([input, { target }]) => [input, target]));
    return { schema: { ...(others.length === 0 ? {} : { inputs }), features }, notes };
  } finally {
    await sizes.close();
  }
}

async function propose(
  graph: Graph,
  proposed: ReadonlyMap<string, ProposedInput>,
  input: string,
  name: string,
  sizes: VocabularySizes,
  notes: string[],
): Promise<ProposedFeature> {
  const value = graph.values.get(input)!;
  // floats are ids if they are cast to integers and looked up, which `isLookedUp` checks
  if (value.dtype === 'bool' || value.shape.length < 1 || value.shape.length > 2)
    notes.push(`input "${input}" is ${typeText(value)}, not int32 or int64 ids, or float32 numbers, of rank 1 or 2`);
  if (value.dtype === 'float32' && !sizes.isLookedUp(input)) return proposeNumbers(name, input, value.shape, notes);
  const size = await sizes.find(input, notes);
  const accompanied = [...proposed.values()].some(({ ids, part }) => ids === input && part !== 'ids');
  if (value.shape.length !== 2 || (value.shape[1] === 1 && !accompanied))
    return { name, kind: 'single', vocabulary_size: size };
  if (!accompanied)
    notes.push(
      `input "${input}" is assumed to be a list padded with 0, because no input "${input}.length" has the ` +
        'number of tokens',
    );
  const width = value.shape[1]!;
  if (isParallel(graph, proposed, input))
    notes.push(
      `input "${input}" is as long as another list: if the lists are parallel, set "unknown": "keep" for both, ` +
        'so that tokens keep their positions',
    );
  if (typeof width === 'string') notes.push(`input "${input}" does not specify a maximum length: fill in max_length`);
  return { name, kind: 'multi', max_length: typeof width === 'number' ? width : null, vocabulary_size: size };
}

/** Whether another list of the same side (user or campaign) has the same width. */
function isParallel(graph: Graph, proposed: ReadonlyMap<string, ProposedInput>, input: string): boolean {
  const sideOf = (one: string) => proposed.get(one)!.target?.split('.')[0];
  const width = graph.values.get(input)!.shape[1];
  return [...proposed].some(([other, { part }]) => {
    const { dtype, shape } = graph.values.get(other)!;
    const isList = part === 'ids' && !isFloat(dtype) && shape.length === 2;
    return other !== input && isList && shape[1] === width && sideOf(other) === sideOf(input);
  });
}

/** A float input is a number, or a vector if it has a second axis with a size other than 1. */
function proposeNumbers(
  name: string,
  input: string,
  shape: readonly (number | string)[],
  notes: string[],
): ProposedFeature {
  notes.push(`input "${input}" is fed 0 for a missing value: set "missing" to another number, or to null for NaN`);
  const size = shape[1];
  if (size === undefined || size === 1) return { name, kind: 'number', missing: 0 };
  if (typeof size === 'string') notes.push(`input "${input}" does not specify its number of values: fill in size`);
  return { name, kind: 'vector', size: typeof size === 'number' ? size : null, missing: 0 };
}

/** Tries ids in the look-ups of a graph, one feature at a time; the ids of all other features are 0. */
class VocabularySizes {
  readonly #graph: Graph;
  readonly #proposed: ReadonlyMap<string, ProposedInput>;
  readonly #lookups: readonly Lookup[];
  readonly #indices: (feeds: Feeds) => Promise<Feeds>;
  readonly close: () => Promise<void>;

  private constructor(
    graph: Graph,
    proposed: ReadonlyMap<string, ProposedInput>,
    lookups: readonly Lookup[],
    indices: (feeds: Feeds) => Promise<Feeds>,
    close: () => Promise<void>,
  ) {
    this.#graph = graph;
    this.#proposed = proposed;
    this.#lookups = lookups;
    this.#indices = indices;
    this.close = close;
  }

  static async open(graph: Graph, proposed: ReadonlyMap<string, ProposedInput>): Promise<VocabularySizes> {
    const lookups = findLookups(graph).filter(({ rows }) => rows > 0);
    const outputs = [...new Set(lookups.map(({ index }) => index))];
    const indexGraph = prune({ ...graph, outputs, overrides: new Map() }, { initializers: true });
    const session = needsIndexSession(indexGraph) ? await openSession(indexGraph) : null;
    const reader = indexReader(indexGraph, session);
    return new VocabularySizes(
      graph,
      proposed,
      lookups,
      (feeds) => reader.read(feeds),
      async () => session?.close(),
    );
  }

  /** Whether `input` indexes a table. */
  isLookedUp(input: string): boolean {
    return this.#lookups.some(({ inputs }) => inputs.includes(input));
  }

  /** Number of ids of the feature `input`, or null if the input is not used in any look-up. */
  async find(input: string, notes: string[]): Promise<number | null> {
    const own = this.#lookups.filter(({ inputs }) => inputs.includes(input));
    if (own.length === 0) {
      notes.push(`input "${input}" is not looked up in any table: fill in its vocabulary_size`);
      return null;
    }
    try {
      return await this.#tryIds(own, input, notes);
    } catch (error) {
      notes.push(`ids of input "${input}" cannot be tried: ${messageOf(error)}`);
      return null;
    }
  }

  async #tryIds(own: readonly Lookup[], input: string, notes: string[]): Promise<number | null> {
    if (!(await this.#fits(own, input, 0))) {
      notes.push(`id 0 of input "${input}" has no row in a table, but it means unknown or empty`);
      return null;
    }
    const largest = await this.#largestFitting(own, input);
    if (largest >= HUGE_ID) return this.#beforeRepeating(own, input, notes);
    return this.#withinStack(own, input, largest + 1, notes);
  }

  /** The largest id that is inside the table in every look-up of the feature. */
  async #largestFitting(own: readonly Lookup[], input: string): Promise<number> {
    let low = 0;
    let high = 1;
    while (high < HUGE_ID && (await this.#fits(own, input, high))) [low, high] = [high, Math.min(high * 2, HUGE_ID)];
    if (high >= HUGE_ID && (await this.#fits(own, input, HUGE_ID))) return HUGE_ID;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#fits(own, input, middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  async #fits(own: readonly Lookup[], input: string, id: number): Promise<boolean> {
    const read = await this.#read(input, id);
    return own.every(({ index, rows }) => read.get(index)!.every((row) => row >= 0 && row < rows));
  }

  /** The number of ids that have their own rows, for a feature whose ids are hashed or clipped. */
  async #beforeRepeating(own: readonly Lookup[], input: string, notes: string[]): Promise<number | null> {
    const most = Math.min(FOLDED_IDS, Math.max(...own.map(({ rows }) => rows)));
    const seen = new Set<string>();
    const rowsOf = async (id: number) => {
      const read = await this.#read(input, id);
      return own.map(({ index }) => read.get(index)!.join(' ')).join('|');
    };
    for (let id = 0; id < most; id++) {
      const rows = await rowsOf(id);
      if (seen.has(rows)) break;
      seen.add(rows);
    }
    // a hashed or clipped id leads to rows seen before; if a large id leads to new rows, ids are divided into buckets
    let isCut = seen.size === 1;
    for (let id = 2 * seen.size; seen.size < most && id < HUGE_ID && !isCut; id *= 2)
      isCut = !seen.has(await rowsOf(id));
    if (isCut) {
      notes.push(`ids of input "${input}" are cut into buckets: fill in its vocabulary_size`);
      return null;
    }
    notes.push(`ids of input "${input}" are hashed or clipped: the first ${seen.size} have their own rows`);
    return seen.size;
  }

  /** Returns `size`, or less if the rows of another feature begin earlier in a shared table. */
  async #withinStack(own: readonly Lookup[], input: string, size: number, notes: string[]): Promise<number> {
    let least = size;
    const bases = await this.#basesOf(input);
    for (const table of new Set(own.map((lookup) => lookup.table))) {
      const base = bases.get(table);
      if (base === undefined) continue;
      const sharing = this.#graph.inputs.filter(
        (other) =>
          other !== input &&
          this.#proposed.get(other)!.part === 'ids' &&
          this.#lookups.some((lookup) => lookup.table === table && lookup.inputs.includes(other)),
      );
      for (const other of sharing) {
        const next = (await this.#basesOf(other)).get(table);
        if (next !== undefined && next > base) least = Math.min(least, next - base);
      }
    }
    if (least < size)
      notes.push(`the table of input "${input}" is shared: the rows of another feature start after the first ${least}`);
    return least;
  }

  /** The row of id 0 in each table that `input` indexes, if id 1 has a different row. */
  async #basesOf(input: string): Promise<ReadonlyMap<string, number>> {
    const [zero, one] = [await this.#read(input, 0), await this.#read(input, 1)];
    const bases = new Map<string, number>();
    for (const { table, index } of this.#lookups) {
      const after = one.get(index)!;
      const own = zero.get(index)!.filter((row, i) => after[i] !== row);
      if (own.length > 0) bases.set(table, Math.min(bases.get(table) ?? Number.POSITIVE_INFINITY, ...own));
    }
    return bases;
  }

  /** The rows that the graph looks up for a user who has `id` in every feature. */
  async #read(input: string, id: number): Promise<ReadonlyMap<string, readonly number[]>> {
    const feeds: Record<string, Tensor> = {};
    for (const name of this.#graph.inputs) {
      const { dtype, shape } = this.#graph.values.get(name)!;
      const sizes = shape.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? 1 : ANY_WIDTH));
      const { part, ids } = this.#proposed.get(name)!;
      const list = part === 'length' && ids === input ? this.#graph.values.get(input)!.shape[1] : undefined;
      const width = typeof list === 'string' ? ANY_WIDTH : list;
      const count = sizes.reduce((product, dim) => product * dim, 1);
      feeds[name] = tensor(dtype, sizes, new Array<number>(count).fill(name === input ? id : (width ?? 0)));
    }
    const indices = await this.#indices(feeds);
    return new Map(Object.entries(indices).map(([name, { data }]) => [name, Array.from(data, Number)]));
  }
}
