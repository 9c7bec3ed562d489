/** Adaptation of a few parameters: what does not depend on them is computed once a user, and steps of gradient descent run on the rest. */
import { descentStep } from '../graph/adam.ts';
import { binaryCrossEntropy } from '../graph/binary-cross-entropy.ts';
import { Builder } from '../graph/builder.ts';
import { cutTables } from '../graph/cut-tables.ts';
import { addGradients } from '../graph/differentiate.ts';
import { elementCount, type Graph, type Tensor, tensor } from '../graph/ir.ts';
import { splitFrozen } from '../graph/split-frozen.ts';
import { type Compaction, compact, indexReader, type Parameters } from './compaction.ts';
import { type Device, type Feeds, openSession, type Session } from './session.ts';

/** Rows of the body that are computed in one run. */
const BODY_ROWS = 2048;

/** Values of the frontier for some users: `[rows, ..]` each, but for those of the campaign alone, which all share. */
export interface Frontier {
  readonly rows: number;
  readonly perUser: Feeds;
  readonly shared: Feeds;
}

export interface HeadProgram {
  /** Computes the frontier of `rows` users with `parameters`; `feedsOf` gives the model's inputs of a range of them. */
  frontier(parameters: Parameters, rows: number, feedsOf: (from: number, to: number) => Feeds): Promise<Frontier>;
  /** Starts from `parameters` on users of `frontier`. */
  start(parameters: Parameters, frontier: Frontier): Promise<HeadRun>;
  close(): Promise<void>;
}

export interface HeadRun {
  /** One full-batch step on rows of the frontier; returns the loss before it. */
  step(rows: Int32Array, labels: Float32Array): Promise<number>;
  /** Scores of all rows of the frontier with the parameters as they are now. */
  scores(): Promise<Float32Array>;
  /** Back to the start. */
  reset(): void;
  /** The full parameters as they are now. */
  parameters(): Map<string, Tensor>;
}

/** Inputs: those of the head and `label`, `rate/<parameter>`. Outputs: `loss`, `next/<parameter>`. */
function buildDescentGraph(head: Graph, parameters: readonly string[]): Graph {
  const b = Builder.from(head);
  const score = b.get(head.outputs[0]!);
  const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
  const values = parameters.map((name) => b.get(name));
  const gradients = addGradients(b, b.build('loss', [loss]), loss, values);
  const next = values.map((value) => {
    const stepped = descentStep(b, value, gradients.get(value.name)!, b.input(`rate/${value.name}`, 'float32', []));
    return b.add('Identity', [stepped], {}, { name: `next/${value.name}` });
  });
  return b.build(`${head.name}_step`, [loss, ...next]);
}

export async function openHeadProgram(
  graph: Graph,
  rates: Readonly<Record<string, number>>,
  options: { device?: Device } = {},
): Promise<HeadProgram> {
  const parameters = Object.keys(rates);
  // all parameters are inputs, so that a model which is being trained needs no new session
  const all = [...graph.initializers].filter(([, { dtype }]) => dtype === 'float32').map(([name]) => name);
  const { body, head } = splitFrozen(cutTables(graph, all, { compact: false }).compactGraph, parameters);
  const cut = cutTables(head, parameters);
  const bodySession = body ? await openSession(body, options) : null;
  const step = await openSession(buildDescentGraph(cut.compactGraph, parameters), options);
  const forward = await openSession(cut.compactGraph, options);
  const frontierNames = head.inputs.filter((name) => !parameters.includes(name));
  const [batch] = graph.values.get(graph.outputs[0]!)!.shape;
  const isPerUser = (name: string) => head.values.get(name)!.shape[0] === batch;
  // the rows that a table's look-ups use are read off the frontier, which the index graph may compute further
  const index = cut.indexGraph.nodes.length > 0 ? await openSession(cut.indexGraph) : null;
  const reader = indexReader(cut.indexGraph, index);
  return {
    async frontier(values, rows, feedsOf) {
      const fixed = Object.fromEntries(values);
      const perUser: Record<string, Tensor> = {};
      const shared: Record<string, Tensor> = {};
      for (let from = 0; from < rows; from += BODY_ROWS) {
        const to = Math.min(from + BODY_ROWS, rows);
        const feeds = feedsOf(from, to);
        const given = { ...feeds, ...fixed };
        // a frozen parameter that the head reads itself is of the frontier too
        const out: Feeds = { ...given, ...(bodySession ? await bodySession.run(given) : {}) };
        for (const name of frontierNames) {
          const part = out[name]!;
          if (!isPerUser(name)) shared[name] = part;
          else putRows(perUser, name, part, from, rows);
        }
      }
      return { rows, perUser, shared };
    },
    async start(values, frontier) {
      const own = new Map(parameters.map((name) => [name, values.get(name)!]));
      const compaction = await compact(cut, own, reader, [{ ...frontier.perUser, ...frontier.shared }]);
      return new Run(compaction, frontier, parameters, rates, step, forward);
    },
    async close() {
      for (const session of [bodySession, step, forward, index]) await session?.close();
    },
  };
}

class Run implements HeadRun {
  readonly #compaction: Compaction;
  readonly #perUser: Feeds;
  readonly #shared: Feeds;
  readonly #rows: number;
  readonly #parameters: readonly string[];
  readonly #rates: Feeds;
  readonly #step: Session;
  readonly #forward: Session;
  #current: Record<string, Tensor>;

  constructor(
    compaction: Compaction,
    frontier: Frontier,
    parameters: readonly string[],
    rates: Readonly<Record<string, number>>,
    step: Session,
    forward: Session,
  ) {
    this.#compaction = compaction;
    const wanted = (feeds: Feeds): Feeds =>
      Object.fromEntries(Object.entries(feeds).filter(([name]) => forward.inputs.includes(name)));
    this.#perUser = { ...wanted(frontier.perUser), ...compaction.places[0]! };
    this.#shared = wanted(frontier.shared);
    this.#rows = frontier.rows;
    this.#parameters = parameters;
    this.#rates = Object.fromEntries(parameters.map((name) => [`rate/${name}`, tensor('float32', [], [rates[name]!])]));
    this.#step = step;
    this.#forward = forward;
    this.#current = Object.fromEntries(compaction.parameters);
  }

  async step(rows: Int32Array, labels: Float32Array): Promise<number> {
    const feeds = {
      ...takeRows(this.#perUser, rows),
      ...this.#shared,
      ...this.#current,
      ...this.#rates,
      label: { dtype: 'float32' as const, shape: [labels.length], data: labels },
    };
    const out = await this.#step.run(feeds);
    this.#current = Object.fromEntries(this.#parameters.map((name) => [name, out[`next/${name}`]!]));
    return Number(out[this.#step.outputs[0]!]!.data[0]);
  }

  async scores(): Promise<Float32Array> {
    const out = new Float32Array(this.#rows);
    for (let from = 0; from < this.#rows; from += BODY_ROWS) {
      const to = Math.min(from + BODY_ROWS, this.#rows);
      const result = await this.#forward.run({
        ...sliceRows(this.#perUser, from, to),
        ...this.#shared,
        ...this.#current,
      });
      out.set(result[this.#forward.outputs[0]!]!.data as Float32Array, from);
    }
    return out;
  }

  reset(): void {
    this.#current = Object.fromEntries(this.#compaction.parameters);
  }

  parameters(): Map<string, Tensor> {
    return this.#compaction.restore(new Map(Object.entries(this.#current)));
  }
}

type Numbers = Float32Array | Int32Array | BigInt64Array | Uint8Array | Float64Array;

function emptyLike(data: Numbers, length: number): Numbers {
  return new (data.constructor as new (length: number) => Numbers)(length);
}

/** Copies a range of rows into `all`, which is made for `rows` rows at the first one. */
function putRows(all: Record<string, Tensor>, name: string, part: Tensor, from: number, rows: number): void {
  const width = elementCount(part.shape.slice(1));
  const { dtype, shape, data } = part;
  const whole = all[name] ?? { dtype, shape: [rows, ...shape.slice(1)], data: emptyLike(data, rows * width) };
  all[name] = whole;
  whole.data.set(part.data as never, from * width);
}

/** Some rows, in the given order. */
function takeRows(feeds: Feeds, rows: Int32Array): Feeds {
  const out: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data }] of Object.entries(feeds)) {
    const width = elementCount(shape.slice(1));
    const taken = emptyLike(data, rows.length * width);
    for (let i = 0; i < rows.length; i++)
      taken.set(data.subarray(rows[i]! * width, (rows[i]! + 1) * width) as never, i * width);
    out[name] = { dtype, shape: [rows.length, ...shape.slice(1)], data: taken };
  }
  return out;
}

/** Consecutive rows, as views. */
function sliceRows(feeds: Feeds, from: number, to: number): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape, data }]) => {
      const width = elementCount(shape.slice(1));
      return [name, { dtype, shape: [to - from, ...shape.slice(1)], data: data.subarray(from * width, to * width) }];
    }),
  );
}
