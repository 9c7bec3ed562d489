/** MetaHeac's forward graph (Zhu et al., KDD 2021, section 4): experts and critics, mixed by two gates that see the campaign. */
import { Builder } from '../graph/builder.ts';
import { type Graph, type Tensor, tensor, type Value } from '../graph/ir.ts';
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
}

/** Where the initial parameters come from. */
export type Initial = (name: string, shape: readonly number[], fanIn: number) => Tensor;

/** Embeddings N(0, .1); weights and biases uniform in +-1/sqrt(fan in). Each parameter has its own stream, fixed by its name. */
export function randomInitial(rng: Rng): Initial {
  return (name, shape, fanIn) => {
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

  const user = config.user.map((feature) => embed(b, `user.${feature.name}`, 'batch', feature, k, parameter));
  const campaign = config.campaign.map((feature) => embed(b, `campaign.${feature.name}`, 1, feature, k, parameter));
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
    const logits = b.add('Gemm', [mix, parameter('critics.weight', [m, h2], h2), parameter('critics.bias', [m], h2)], {
      transB: 1,
    });
    const weighted = b.add('Mul', [gateOfCritics, b.add('Sigmoid', [logits])]);
    const score = b.add('ReduceSum', [weighted, b.ints([1])], { keepdims: 0 }, { name: 'score', outputs: ['score'] });
    return b.build('metaheac', [score]);
  });
}

/** One feature as `[rows, k]`: a look-up, or the mean over the tokens of a list (an empty one gives zeros). */
function embed(
  b: Builder,
  name: string,
  rows: 'batch' | 1,
  feature: MetaHeacFeature,
  k: number,
  parameter: (name: string, shape: readonly number[], fanIn: number) => Value,
): Value {
  const table = parameter(`${name}.embedding`, [feature.rows, k], 1);
  return b.named(`${name}/`, () => {
    if (feature.kind === 'single') return b.add('Gather', [table, b.input(name, 'int32', [rows])], { axis: 0 });
    const maxLength = feature.maxLength!;
    const tokens = b.input(name, 'int32', [rows, maxLength]);
    const length = b.input(`${name}.length`, 'int32', [rows]);
    const places = b.constant(
      tensor(
        'int32',
        [maxLength],
        Array.from({ length: maxLength }, (_, i) => i),
      ),
      `places_${maxLength}`,
    );
    const mask = b.add('Less', [places, b.add('Unsqueeze', [length, b.ints([1])])]); // [rows, maxLength]
    const vectors = b.add('Gather', [table, tokens], { axis: 0 }); // [rows, maxLength, k]
    const present = b.add('Unsqueeze', [b.add('Cast', [mask], { to: 'float32' }), b.ints([2])]);
    const sum = b.add('ReduceSum', [b.add('Mul', [vectors, present]), b.ints([1])], { keepdims: 0 });
    const divisor = b.add('Max', [b.add('Cast', [length], { to: 'float32' }), b.scalar(1, 'float32')]);
    // sum, then divide: PyTorch's order, which keeps the rounding of tiny activations as its own
    return b.add('Div', [sum, b.add('Unsqueeze', [divisor, b.ints([1])])]);
  });
}
