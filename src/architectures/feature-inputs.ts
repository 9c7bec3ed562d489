/** The inputs of a feature, and its embedding: a look-up, or the pooled tokens of a list. */
import { type Builder, tensor, type Value } from '../graph/index.ts';

export interface MetaHeacFeature {
  readonly name: string;
  readonly kind: 'single' | 'multi';
  /** Maximum number of tokens of a multi-valued feature. */
  readonly maxLength?: number;
  /** Rows of the table: tokens and id 0. */
  readonly rows: number;
}

export type MakeParameter = (name: string, shape: readonly number[], fanIn: number) => Value;

/** A feature's inputs. */
export interface FeatureInput {
  readonly name: string;
  readonly feature: MetaHeacFeature;
  /** Ids, `[rows]` or `[rows, maxLength]`. */
  readonly ids: Value;
  /** Number of tokens of a list, `[rows]`; and which positions hold one, `[rows, maxLength]` as 0 and 1. */
  readonly list: { readonly length: Value; readonly present: Value } | null;
}

export function declare(b: Builder, name: string, rows: 'batch' | 1, feature: MetaHeacFeature): FeatureInput {
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
export function embed(
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
    // for the published model: masked, summed, then divided in PyTorch's order, so that tiny activations round the same
    // way
    return b.add('Div', [sum, b.add('Unsqueeze', [divisor, b.ints([1])])]);
  });
}

/**
 * Sum of the vectors `[batch, places, k]` at the present positions: `[batch, k]`. A matrix product takes half the time
 * of a masked sum.
 */
export function sumPresent(b: Builder, present: Value, vectors: Value): Value {
  const row = b.add('Unsqueeze', [present, b.ints([1])]);
  return b.add('Squeeze', [b.add('MatMul', [row, vectors]), b.ints([1])]);
}
