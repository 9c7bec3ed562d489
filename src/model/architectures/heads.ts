/**
 * The adaptable heads of MetaHeac's graph: the rows that they look up for a user, and the term that they add to every
 * critic's logit.
 */
import { type Builder, tensor, type Value } from '../../../packages/onnx-grad/index.ts';
import { embed, type FeatureInput, type MakeParameter, type MetaHeacFeature, sumPresent } from './feature-inputs.ts';

/**
 * z_j = scale * (w_j . r + b_j + sum over the user's n tokens of s[t] + phi . (q + q_c) + bias + sum of r[t] / sqrt(n))
 */
export interface HeadsConfig {
  /**
   * Dimensions of the latent vectors. phi(u) is the sum of V[t] over all the user's tokens, plus the projection of each
   * of the user's vectors.
   */
  readonly latent: number;
}

/**
 * Names of the heads' parameters, which adaptation changes. Gradient descent does not change `regression` (the
 * whole-population regression) or `scale`.
 */
export const HEADS = {
  wide: 'heads.wide',
  query: 'heads.query',
  bias: 'heads.bias',
  regression: 'heads.regression',
  scale: 'heads.scale',
} as const;
/** The table of latent vectors; the row of a token is `offsetOf(feature) + id`. */
export const LATENT_TABLE = 'latent.tokens';

/** Maximum number of dimensions of a vector in the latent space. */
const MOST_VECTOR_LATENT = 32;

/** The map of a user's vector into the latent space, `[size, latentOf(feature)]`. */
export function latentMap(feature: string): string {
  return `latent.user.${feature}`;
}

/** Number of dimensions of the latent space that are reserved for one feature. */
function latentOf({ kind, rows }: MetaHeacFeature): number {
  return kind === 'vector' ? Math.min(rows, MOST_VECTOR_LATENT) : 0;
}

/** For each user feature, the row of the stacked head tables at which its ids begin. */
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

/** The rows that the heads look up in the stacked tables, and the weights of these rows; both `[batch, places]`. */
interface Places {
  readonly rows: Value;
  readonly weights: Value;
}

function placesOf(b: Builder, user: readonly FeatureInput[]): { tokens: Places[]; vectors: Places[] } {
  const offsets = stackedOffsets(user.map(({ feature }) => feature));
  const asList = (value: Value, isList: boolean) => (isList ? value : b.add('Unsqueeze', [value, b.ints([1])]));
  const tokens: Places[] = [];
  const vectors: Places[] = [];
  for (const { feature, ids, list, numbers } of user) {
    const offset = offsets.get(feature.name)!;
    if (ids !== null) {
      const rows = asList(b.add('Add', [ids, b.scalar(offset, 'int32')]), list !== null);
      // id 0 means unknown or empty, and is not a token
      const known = () =>
        b.add('Cast', [b.add('Greater', [asList(ids, false), b.scalar(0, 'int32')])], { to: 'float32' });
      tokens.push({ rows, weights: list?.present ?? known() });
    }
    if (numbers === null) continue;
    if (feature.kind === 'number')
      tokens.push({ rows: constantRows(b, numbers, [offset + feature.rows - 1]), weights: numbers });
    else {
      const own = Array.from({ length: feature.rows }, (_, i) => offset + i);
      // a vector gets the same norm as a token, whatever its size
      const weights = b.add('Div', [numbers, b.scalar(Math.sqrt(feature.rows), 'float32')]);
      vectors.push({ rows: constantRows(b, numbers, own), weights });
    }
  }
  return { tokens, vectors };
}

/** Row numbers that are the same for every user: `[batch, rows.length]`. */
function constantRows(b: Builder, numbers: Value, rows: readonly number[]): Value {
  return b.add('Expand', [b.constant(tensor('int32', [1, rows.length], rows), 'rows'), b.add('Shape', [numbers])]);
}

function withVectors(
  b: Builder,
  { vectors }: { readonly vectors: readonly Places[] },
  tokens: Value,
  present: Value,
): { readonly tokens: Value; readonly present: Value } {
  return {
    tokens: b.add('Concat', [tokens, ...vectors.map(({ rows }) => rows)], { axis: 1 }),
    present: b.add('Concat', [present, ...vectors.map(({ weights }) => weights)], { axis: 1 }),
  };
}

/**
 * The term that the heads add to every critic's logit: `[batch, 1]`. All tokens of a user are looked up in one
 * operation, in tables that stack the features.
 */
export function addHeads(
  b: Builder,
  { latent }: HeadsConfig,
  user: readonly FeatureInput[],
  campaign: readonly FeatureInput[],
  parameter: MakeParameter,
): Value {
  return b.named('heads/', () => {
    const places = placesOf(b, user);
    const tokens = b.add(
      'Concat',
      places.tokens.map(({ rows }) => rows),
      { axis: 1 },
    ); // [batch, all places]
    const present = b.add(
      'Concat',
      places.tokens.map(({ weights }) => weights),
      { axis: 1 },
    );
    const rows = user.reduce((sum, { feature }) => sum + feature.rows, 0);
    const wide = b.add('Gather', [parameter(HEADS.wide, [rows], rows), tokens], { axis: 0 });
    const wideSum = b.add('ReduceSum', [b.add('Mul', [wide, present]), b.ints([1])], { keepdims: 1 });
    // the regression also uses the elements of vectors
    const all = places.vectors.length === 0 ? { tokens, present } : withVectors(b, places, tokens, present);
    const fitted = b.add('Gather', [parameter(HEADS.regression, [rows], rows), all.tokens], { axis: 0 });
    const squares = user.some(({ numbers }) => numbers) ? b.add('Mul', [all.present, all.present]) : all.present;
    const count = b.add('Max', [b.add('ReduceSum', [squares, b.ints([1])], { keepdims: 1 }), b.scalar(1, 'float32')]);
    const fittedSum = b.add('ReduceSum', [b.add('Mul', [fitted, all.present]), b.ints([1])], { keepdims: 1 });
    const fittedMean = b.add('Div', [fittedSum, b.add('Sqrt', [count])]);
    // [batch, all places, latent]
    const vectors = b.add('Gather', [parameter(LATENT_TABLE, [rows, latent], rows), tokens], { axis: 0 });
    const ofTokens = sumPresent(b, present, vectors);
    const projected = user
      .filter(({ feature }) => feature.kind === 'vector')
      .map(({ feature, numbers }) =>
        b.add('MatMul', [
          numbers!,
          parameter(latentMap(feature.name), [feature.rows, latentOf(feature)], feature.rows),
        ]),
      );
    const phi = projected.length === 0 ? ofTokens : b.add('Concat', [ofTokens, ...projected], { axis: 1 });
    const width = user.reduce((sum, { feature }) => sum + latentOf(feature), latent);
    const own = campaign.map((input) => embed(b, { ...input, name: `latent.${input.name}` }, width, 'mean', parameter));
    const query = own.reduce(
      (sum, vector) => b.add('Add', [sum, vector]),
      b.add('Unsqueeze', [parameter(HEADS.query, [width], width), b.ints([0])]),
    );
    const product = b.add('ReduceSum', [b.add('Mul', [phi, query]), b.ints([1])], { keepdims: 1 });
    const adapted = b.add('Add', [b.add('Add', [wideSum, product]), parameter(HEADS.bias, [1], 1)]);
    return b.add('Add', [adapted, fittedMean]);
  });
}
