/** MetaHeac's forward graph (Zhu et al., KDD 2021, section 4): experts and critics, mixed by two gates that see the campaign. */
import { Builder, type Graph, type Tensor, tensor, type Value } from '../graph/index.ts';
import type { Rng } from '../lib/rng.ts';

export interface MetaHeacFeature {
  readonly name: string;
  readonly kind: 'single' | 'multi';
  /** Most tokens of a multi-valued feature. */
  readonly maxLength?: number;
  /** Rows of the table: tokens and id 0. */
  readonly rows: number;
}

export interface MetaHeacConfig {
  readonly user: readonly MetaHeacFeature[];
  readonly campaign: readonly MetaHeacFeature[];
  /** k. */
  readonly embedding: number;
  /** Sizes of the two layers of an expert; the second is also the gates' width. */
  readonly hidden: readonly [number, number];
  /** n. */
  readonly experts: number;
  /** m. */
  readonly critics: number;
  /** How a list is pooled: the mean over its tokens, or their sum over the root of their number. */
  readonly pooling?: 'mean' | 'root';
  /** Adds the adaptable heads, which shift all critics' logits alike; null or left out: MetaHeac as published. */
  readonly heads?: HeadsConfig | null;
}

/** z_j = scale (w_j . r + b_j + sum over the user's n tokens of s[t] + phi . (q + q_c) + bias + sum of r[t] / sqrt(n)) */
export interface HeadsConfig {
  /** Dimensions of the latent vectors: phi(u) is the sum of V[t] over all the user's tokens. */
  readonly latent: number;
}

/** Names of the heads: what adaptation changes. No step of descent moves `regression`, the whole-population regression, or `scale`. */
export const HEADS = {
  wide: 'heads.wide',
  query: 'heads.query',
  bias: 'heads.bias',
  regression: 'heads.regression',
  scale: 'heads.scale',
} as const;
/** The table of latent vectors: row `offsetOf(feature) + id`. */
export const LATENT_TABLE = 'latent.tokens';

/** Where each user feature's ids begin in the stacked tables of the heads. */
function stackedOffsets(user: readonly MetaHeacFeature[]): ReadonlyMap<string, number> {
  let offset = 0;
  return new Map(
    user.map(({ name, rows }) => {
      const own = offset;
      offset += rows;
      return [name, own];
    }),
  );
}

/** Where the initial parameters come from. */
export type Initial = (name: string, shape: readonly number[], fanIn: number) => Tensor;

/** Embeddings N(0, .1); the scale 1; weights and biases uniform in +-1/sqrt(fan in). Each parameter has its own stream, fixed by its name. */
export function randomInitial(rng: Rng): Initial {
  return (name, shape, fanIn) => {
    if (name === HEADS.scale) return tensor('float32', shape, [1]);
    const stream = rng.fork(name);
    const count = shape.reduce((product, dim) => product * dim, 1);
    const draw = name.endsWith('.embedding')
      ? () => 0.1 * stream.normal()
      : () => (2 * stream.uniform() - 1) / Math.sqrt(fanIn);
    return tensor('float32', shape, Float64Array.from({ length: count }, draw));
  };
}

/**
 * Inputs `user.<feature>` int32 `[batch]` or `[batch, maxLength]` with `user.<feature>.length` int32 `[batch]`, and
 * `campaign.<feature>` `[1]` or `[1, maxLength]` with `.length` `[1]`. Output `score` float32 `[batch]`.
 *
 * Weights are `[out, in]`, those of all experts (and critics) stacked: `experts.0.weight` `[n h1, M k]`, `experts.1.weight` `[n, h2, h1]`.
 */
export function buildMetaHeac(config: MetaHeacConfig, initial: Initial): Graph {
  const { embedding: k, experts: n, critics: m, hidden } = config;
  const [h1, h2] = hidden;
  const b = new Builder();
  const parameter = (name: string, shape: readonly number[], fanIn: number) =>
    b.initializer(name, initial(name, shape, fanIn));

  const pooling = config.pooling ?? 'mean';
  const userInputs = config.user.map((feature) => declare(b, `user.${feature.name}`, 'batch', feature));
  const campaignInputs = config.campaign.map((feature) => declare(b, `campaign.${feature.name}`, 1, feature));
  const user = userInputs.map((input) => embed(b, input, k, pooling, parameter));
  // a campaign's list is always pooled by its mean
  const campaign = campaignInputs.map((input) => embed(b, input, k, 'mean', parameter));
  const features = b.add('Concat', user, { axis: 1 }, { name: 'user/features' }); // vec(e_u): [batch, M k]

  // a(u, c) = concat(mean over the M rows of e_u ; e_c)
  const context = b.named('context/', () => {
    const rows = b.add('Reshape', [features, b.ints([0, user.length, k])]);
    const mean = b.add('ReduceMean', [rows, b.ints([1])], { keepdims: 0 });
    if (campaign.length === 0) return mean;
    const one = b.add('Concat', campaign, { axis: 1 });
    const batch = b.add('Shape', [mean], { start: 0, end: 1 });
    const shape = b.add('Concat', [batch, b.ints([campaign.length * k])], { axis: 0 });
    return b.add('Concat', [mean, b.add('Expand', [one, shape])], { axis: 1 });
  });
  const width = (1 + campaign.length) * k;

  const gate = (name: string, outputs: number): Value =>
    b.named(`${name}/`, () => {
      const hiddenLayer = b.add(
        'Gemm',
        [context, parameter(`${name}.0.weight`, [h2, width], width), parameter(`${name}.0.bias`, [h2], width)],
        { transB: 1 },
      );
      const logits = b.add(
        'Gemm',
        [
          b.add('Relu', [hiddenLayer]),
          parameter(`${name}.1.weight`, [outputs, h2], h2),
          parameter(`${name}.1.bias`, [outputs], h2),
        ],
        { transB: 1 },
      );
      return b.add('Softmax', [logits], { axis: 1 });
    });
  const gateOfExperts = gate('gate.experts', n); // [batch, n]
  const gateOfCritics = gate('gate.critics', m); // [batch, m]

  // h_i(u) = relu(V2_i relu(V1_i vec(e_u))), all experts at once: [n, batch, h2]
  const outputs = b.named('experts/', () => {
    const inputWidth = user.length * k;
    const first = b.add('Relu', [
      b.add(
        'Gemm',
        [
          features,
          parameter('experts.0.weight', [n * h1, inputWidth], inputWidth),
          parameter('experts.0.bias', [n * h1], inputWidth),
        ],
        { transB: 1 },
      ),
    ]);
    const byExpert = b.add('Transpose', [b.add('Reshape', [first, b.ints([0, n, h1])])], { perm: [1, 0, 2] });
    const weight = b.add('Transpose', [parameter('experts.1.weight', [n, h2, h1], h1)], { perm: [0, 2, 1] });
    const bias = b.add('Unsqueeze', [parameter('experts.1.bias', [n, h2], h1), b.ints([1])]);
    return b.add('Relu', [b.add('Add', [b.add('MatMul', [byExpert, weight]), bias])]);
  });

  // r = sum_i g_E,i h_i
  const mix = b.named('mix/', () => {
    const weights = b.add('Unsqueeze', [b.add('Transpose', [gateOfExperts], { perm: [1, 0] }), b.ints([2])]);
    return b.add('ReduceSum', [b.add('Mul', [outputs, weights]), b.ints([0])], { keepdims: 0 });
  });

  // p = sum_j g_C,j sigmoid(w_j . r + b_j)
  return b.named('critics/', () => {
    const own = b.add('Gemm', [mix, parameter('critics.weight', [m, h2], h2), parameter('critics.bias', [m], h2)], {
      transB: 1,
    });
    const { heads } = config;
    const logits = heads
      ? b.add('Mul', [
          b.add('Add', [own, addHeads(b, heads, userInputs, campaignInputs, parameter)]),
          parameter(HEADS.scale, [1], 1),
        ])
      : own;
    const weighted = b.add('Mul', [gateOfCritics, b.add('Sigmoid', [logits])]);
    const score = b.add('ReduceSum', [weighted, b.ints([1])], { keepdims: 0 }, { name: 'score', outputs: ['score'] });
    return b.build('metaheac', [score]);
  });
}

type MakeParameter = (name: string, shape: readonly number[], fanIn: number) => Value;

/** A feature's inputs. */
interface FeatureInput {
  readonly name: string;
  readonly feature: MetaHeacFeature;
  /** Ids, `[rows]` or `[rows, maxLength]`. */
  readonly ids: Value;
  /** Number of tokens of a list, `[rows]`; and which places hold one, `[rows, maxLength]` as 0 and 1. */
  readonly list: { readonly length: Value; readonly present: Value } | null;
}

function declare(b: Builder, name: string, rows: 'batch' | 1, feature: MetaHeacFeature): FeatureInput {
  if (feature.kind === 'single') return { name, feature, ids: b.input(name, 'int32', [rows]), list: null };
  const maxLength = feature.maxLength!;
  const ids = b.input(name, 'int32', [rows, maxLength]);
  const length = b.input(`${name}.length`, 'int32', [rows]);
  return b.named(`${name}/`, () => {
    const places = b.constant(
      tensor(
        'int32',
        [maxLength],
        Array.from({ length: maxLength }, (_, i) => i),
      ),
      `places_${maxLength}`,
    );
    const mask = b.add('Less', [places, b.add('Unsqueeze', [length, b.ints([1])])]);
    return { name, feature, ids, list: { length, present: b.add('Cast', [mask], { to: 'float32' }) } };
  });
}

/** One feature as `[rows, k]`: a look-up, or the pooled tokens of a list (an empty one gives zeros). */
function embed(
  b: Builder,
  { name, feature, ids, list }: FeatureInput,
  k: number,
  pooling: 'mean' | 'root',
  parameter: MakeParameter,
): Value {
  const table = parameter(`${name}.embedding`, [feature.rows, k], 1);
  return b.named(`${name}/`, () => {
    const vectors = b.add('Gather', [table, ids], { axis: 0 });
    if (!list) return vectors;
    const sum =
      pooling === 'root'
        ? sumPresent(b, list.present, vectors)
        : b.add('ReduceSum', [b.add('Mul', [vectors, b.add('Unsqueeze', [list.present, b.ints([2])])]), b.ints([1])], {
            keepdims: 0,
          });
    const count = b.add('Max', [b.add('Cast', [list.length], { to: 'float32' }), b.scalar(1, 'float32')]);
    const divisor = pooling === 'root' ? b.add('Sqrt', [count]) : count;
    // where it is the published model: masked, summed, then divided, PyTorch's order, which keeps the rounding of tiny activations as its own
    return b.add('Div', [sum, b.add('Unsqueeze', [divisor, b.ints([1])])]);
  });
}

/** Sum of the vectors `[batch, places, k]` at the places that are present: `[batch, k]`. A product of matrices, at half the time of a masked sum. */
function sumPresent(b: Builder, present: Value, vectors: Value): Value {
  const row = b.add('Unsqueeze', [present, b.ints([1])]);
  return b.add('Squeeze', [b.add('MatMul', [row, vectors]), b.ints([1])]);
}

/** What the heads add to every critic's logit: `[batch, 1]`. All tokens of a user are looked up at once, in tables that stack the features. */
function addHeads(
  b: Builder,
  { latent }: HeadsConfig,
  user: readonly FeatureInput[],
  campaign: readonly FeatureInput[],
  parameter: MakeParameter,
): Value {
  return b.named('heads/', () => {
    const offsets = stackedOffsets(user.map(({ feature }) => feature));
    const asList = (value: Value, isList: boolean) => (isList ? value : b.add('Unsqueeze', [value, b.ints([1])]));
    const shifted = user.map(({ feature, ids, list }) =>
      asList(b.add('Add', [ids, b.scalar(offsets.get(feature.name)!, 'int32')]), list !== null),
    );
    const tokens = b.add('Concat', shifted, { axis: 1 }); // [batch, all places]
    // id 0 is unknown or empty, and is no token
    const known = user.map(
      ({ ids, list }) =>
        list?.present ??
        b.add('Cast', [b.add('Greater', [asList(ids, false), b.scalar(0, 'int32')])], { to: 'float32' }),
    );
    const present = b.add('Concat', known, { axis: 1 });
    const rows = user.reduce((sum, { feature }) => sum + feature.rows, 0);
    const wide = b.add('Gather', [parameter(HEADS.wide, [rows], rows), tokens], { axis: 0 });
    const wideSum = b.add('ReduceSum', [b.add('Mul', [wide, present]), b.ints([1])], { keepdims: 1 });
    const fitted = b.add('Gather', [parameter(HEADS.regression, [rows], rows), tokens], { axis: 0 });
    const count = b.add('Max', [b.add('ReduceSum', [present, b.ints([1])], { keepdims: 1 }), b.scalar(1, 'float32')]);
    const fittedSum = b.add('ReduceSum', [b.add('Mul', [fitted, present]), b.ints([1])], { keepdims: 1 });
    const fittedMean = b.add('Div', [fittedSum, b.add('Sqrt', [count])]);
    const vectors = b.add('Gather', [parameter(LATENT_TABLE, [rows, latent], rows), tokens], { axis: 0 }); // [batch, all places, latent]
    const phi = sumPresent(b, present, vectors);
    const own = campaign.map((input) =>
      embed(b, { ...input, name: `latent.${input.name}` }, latent, 'mean', parameter),
    );
    const query = own.reduce(
      (sum, vector) => b.add('Add', [sum, vector]),
      b.add('Unsqueeze', [parameter(HEADS.query, [latent], latent), b.ints([0])]),
    );
    const product = b.add('ReduceSum', [b.add('Mul', [phi, query]), b.ints([1])], { keepdims: 1 });
    const adapted = b.add('Add', [b.add('Add', [wideSum, product]), parameter(HEADS.bias, [1], 1)]);
    return b.add('Add', [adapted, fittedMean]);
  });
}
