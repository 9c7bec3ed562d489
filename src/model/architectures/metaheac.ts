/**
 * MetaHeac's forward graph (Zhu et al., KDD 2021, section 4): experts and critics, mixed by two gates that see the
 * campaign.
 */
import {
  Builder,
  exactSigmoid,
  type Graph,
  type Tensor,
  tensor,
  type Value,
} from '../../../packages/onnx-grad/index.ts';
import type { Rng } from '../../lib/rng.ts';
import { declare, embed, type MakeParameter, type MetaHeacFeature } from './feature-inputs.ts';
import { addHeads, HEADS, type HeadsConfig } from './heads.ts';

export interface MetaHeacConfig {
  readonly user: readonly MetaHeacFeature[];
  readonly campaign: readonly MetaHeacFeature[];
  /** k, the width of an embedding. */
  readonly embedding: number;
  /** Sizes of the two layers of an expert. The gates are as wide as the second layer. */
  readonly hidden: readonly [number, number];
  /** n, the number of experts. */
  readonly experts: number;
  /** m, the number of critics. */
  readonly critics: number;
  /** How the tokens of a list are pooled: their mean, or their sum divided by the square root of their number. */
  readonly pooling?: 'mean' | 'root';
  /**
   * Adds the adaptable heads, which shift all critics' logits equally. If null or omitted, the model is MetaHeac as
   * published.
   */
  readonly heads?: HeadsConfig | null;
}

export type Initial = (name: string, shape: readonly number[], fanIn: number) => Tensor;

/**
 * Initial values: embeddings are N(0, .1), the scale is 1, weights and biases are uniform in +-1/sqrt(fan in). Each
 * parameter has its own random stream, determined by its name.
 */
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
 * Weights are `[out, in]`; the weights of all experts are stacked, and so are those of all critics: `experts.0.weight`
 * `[n * h1, M * k]`, `experts.1.weight` `[n, h2, h1]`.
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

  const widths: Widths = { k, users: user.length, experts: n, h1, h2 };
  const context = addContext(b, features, campaign, widths);
  const gateOfExperts = addGate(b, 'gate.experts', n, context, parameter); // [batch, n]
  const gateOfCritics = addGate(b, 'gate.critics', m, context, parameter); // [batch, m]
  const outputs = addExperts(b, features, widths, parameter);

  // r = sum_i g_E,i * h_i
  const mix = b.named('mix/', () => {
    const weights = b.add('Unsqueeze', [b.add('Transpose', [gateOfExperts], { perm: [1, 0] }), b.ints([2])]);
    return b.add('ReduceSum', [b.add('Mul', [outputs, weights]), b.ints([0])], { keepdims: 0 });
  });

  // p = sum_j g_C,j * sigmoid(w_j . r + b_j)
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
    const weighted = b.add('Mul', [gateOfCritics, exactSigmoid(b, logits)]);
    const score = b.add('ReduceSum', [weighted, b.ints([1])], { keepdims: 0 }, { name: 'score', outputs: ['score'] });
    return b.build('metaheac', [score]);
  });
}

/**
 * The model with only the heads, for data on which MetaHeac's experts add nothing. Inputs, output and parameter names
 * are those of the whole model.
 */
export function buildHeadsAlone(
  { user, campaign, heads }: MetaHeacConfig & { readonly heads: HeadsConfig },
  initial: Initial,
): Graph {
  const b = new Builder();
  const parameter = (name: string, shape: readonly number[], fanIn: number) =>
    b.initializer(name, initial(name, shape, fanIn));
  const userInputs = user.map((feature) => declare(b, `user.${feature.name}`, 'batch', feature));
  const campaignInputs = campaign.map((feature) => declare(b, `campaign.${feature.name}`, 1, feature));
  const logits = b.add('Mul', [
    addHeads(b, heads, userInputs, campaignInputs, parameter),
    parameter(HEADS.scale, [1], 1),
  ]);
  const score = b.add(
    'ReduceSum',
    [exactSigmoid(b, logits), b.ints([1])],
    { keepdims: 0 },
    { name: 'score', outputs: ['score'] },
  );
  return b.build('metaheac_heads', [score]);
}

interface Widths {
  readonly k: number;
  /** Number of user features. */
  readonly users: number;
  readonly experts: number;
  readonly h1: number;
  readonly h2: number;
}

/** The input of the gates. */
interface Context {
  /** `[batch, width]` */
  readonly value: Value;
  readonly width: number;
  readonly h2: number;
}

/** a(u, c) = concat(mean over the M rows of e_u ; e_c): `[batch, (1 + N) * k]`. */
function addContext(b: Builder, features: Value, campaign: readonly Value[], { k, users, h2 }: Widths): Context {
  const value = b.named('context/', () => {
    const rows = b.add('Reshape', [features, b.ints([0, users, k])]);
    const mean = b.add('ReduceMean', [rows, b.ints([1])], { keepdims: 0 });
    if (campaign.length === 0) return mean;
    const one = b.add('Concat', campaign, { axis: 1 });
    const batch = b.add('Shape', [mean], { start: 0, end: 1 });
    const shape = b.add('Concat', [batch, b.ints([campaign.length * k])], { axis: 0 });
    return b.add('Concat', [mean, b.add('Expand', [one, shape])], { axis: 1 });
  });
  return { value, width: (1 + campaign.length) * k, h2 };
}

function addGate(
  b: Builder,
  name: string,
  outputs: number,
  { value, width, h2 }: Context,
  parameter: MakeParameter,
): Value {
  return b.named(`${name}/`, () => {
    const hiddenLayer = b.add(
      'Gemm',
      [value, parameter(`${name}.0.weight`, [h2, width], width), parameter(`${name}.0.bias`, [h2], width)],
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
}

/** h_i(u) = relu(V2_i * relu(V1_i * vec(e_u))), all experts at once: `[n, batch, h2]`. */
function addExperts(
  b: Builder,
  features: Value,
  { k, users, experts: n, h1, h2 }: Widths,
  parameter: MakeParameter,
): Value {
  return b.named('experts/', () => {
    const inputWidth = users * k;
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
}
