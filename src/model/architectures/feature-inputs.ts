/** The inputs and the embedding of a feature: a look-up, or the pooled tokens of a list. */
import { type Builder, tensor, type Value } from '../../../packages/onnx-grad/index.ts';
import type { ColumnKind } from '../../lib/feature-kinds.ts';

/** How numbers are divided into bands and standardised. */
export interface NumberScale {
  /** Lower bounds of all bands except the first: float32, strictly ascending. Empty for a vector. */
  readonly edges: readonly number[];
  /** Means: one for a number, one per element for a vector. */
  readonly means: readonly number[];
  /** Standard deviations, above 0. */
  readonly deviations: readonly number[];
}

export interface MetaHeacFeature {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Maximum number of tokens of a multi-valued feature. */
  readonly maxLength?: number;
  /**
   * Number of rows of the embedding table: `rowsOfScale` for numbers; for other features, the number of tokens plus one
   * for id 0.
   */
  readonly rows: number;
  /** The scale of numbers and vectors. */
  readonly scale?: NumberScale;
}

/** A standardised number is clipped at this many standard deviations, so that one absurd price does not dominate. */
export const MOST_DEVIATIONS = 4;

/**
 * Number of rows in a feature's table. A vector has one row per element. A number has row 0 (unused), a row per band, a
 * row for missing numbers, and a last row for the standardised number itself.
 */
export function rowsOfScale({ edges, means }: NumberScale, kind: ColumnKind): number {
  return kind === 'vector' ? means.length : missingBand({ edges }) + 2;
}

/** The row for missing numbers; the row for the standardised number follows it. */
export function missingBand({ edges }: Pick<NumberScale, 'edges'>): number {
  return edges.length + 2;
}

export type MakeParameter = (name: string, shape: readonly number[], fanIn: number) => Value;

/** A feature's inputs. */
export interface FeatureInput {
  readonly name: string;
  readonly feature: MetaHeacFeature;
  /** Ids, `[rows]` or `[rows, maxLength]`; for a number, its band; null for a vector. */
  readonly ids: Value | null;
  /**
   * Number of tokens in each list, `[rows]`, and a mask that is 1 at positions with a token and otherwise 0,
   * `[rows, maxLength]`.
   */
  readonly list: { readonly length: Value; readonly present: Value } | null;
  /** Standardised values, 0 if missing: `[rows, 1]` for a number, `[rows, size]` for a vector; null for tokens. */
  readonly numbers: Value | null;
}

export function declare(b: Builder, name: string, rows: 'batch' | 1, feature: MetaHeacFeature): FeatureInput {
  switch (feature.kind) {
    case 'single':
      return { name, feature, ids: b.input(name, 'int32', [rows]), list: null, numbers: null };
    case 'multi':
      return declareList(b, name, rows, feature);
    case 'number': {
      const value = b.input(name, 'float32', [rows]);
      const column = b.named(`${name}/`, () => b.add('Unsqueeze', [value, b.ints([1])]));
      return {
        name,
        feature,
        ids: bandOf(b, name, value, feature),
        list: null,
        numbers: scaled(b, name, column, feature),
      };
    }
    case 'vector': {
      const value = b.input(name, 'float32', [rows, feature.rows]);
      return { name, feature, ids: null, list: null, numbers: scaled(b, name, value, feature) };
    }
  }
}

/**
 * Table row of each number, `[rows]`: 1 + the number of band edges at or below the number; for NaN, the row for missing
 * numbers.
 */
function bandOf(b: Builder, name: string, value: Value, { scale }: MetaHeacFeature): Value {
  const edges = scale!.edges;
  return b.named(`${name}/`, () => {
    const missing = b.scalar(missingBand(scale!), 'int32');
    const first = b.scalar(1, 'int32');
    if (edges.length === 0) return b.add('Where', [b.add('IsNaN', [value]), missing, first]);
    const column = b.add('Unsqueeze', [value, b.ints([1])]);
    const reached = b.add('GreaterOrEqual', [
      column,
      b.constant(tensor('float32', [edges.length], edges), `${name}/edges`),
    ]);
    const count = b.add('ReduceSum', [b.add('Cast', [reached], { to: 'int32' }), b.ints([1])], { keepdims: 0 });
    return b.add('Where', [b.add('IsNaN', [value]), missing, b.add('Add', [count, first])]);
  });
}

function scaled(b: Builder, name: string, value: Value, { scale }: MetaHeacFeature): Value {
  const { means, deviations } = scale!;
  return b.named(`${name}/`, () => {
    const centred = b.add('Sub', [value, b.constant(tensor('float32', [means.length], means), `${name}/mean`)]);
    const standard = b.add('Div', [
      centred,
      b.constant(tensor('float32', [deviations.length], deviations), `${name}/deviation`),
    ]);
    const bounded = b.add('Clip', [
      standard,
      b.scalar(-MOST_DEVIATIONS, 'float32'),
      b.scalar(MOST_DEVIATIONS, 'float32'),
    ]);
    return b.add('Where', [b.add('IsNaN', [value]), b.scalar(0, 'float32'), bounded]);
  });
}

function declareList(b: Builder, name: string, rows: 'batch' | 1, feature: MetaHeacFeature): FeatureInput {
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
    return { name, feature, ids, list: { length, present: b.add('Cast', [mask], { to: 'float32' }) }, numbers: null };
  });
}

/**
 * The embedding of one feature, `[rows, k]`: a look-up of a token; the pooled tokens of a list (zeros for an empty
 * list); for a number, a look-up of its band plus a direction times the standardised number; for a vector, a linear
 * map.
 */
export function embed(
  b: Builder,
  { name, feature, ids, list, numbers }: FeatureInput,
  k: number,
  pooling: 'mean' | 'root',
  parameter: MakeParameter,
): Value {
  if (ids === null) {
    const size = feature.rows;
    const weight = parameter(`${name}.weight`, [size, k], size);
    return b.named(`${name}/`, () => b.add('MatMul', [numbers!, weight]));
  }
  const table = parameter(`${name}.embedding`, [feature.rows, k], 1);
  const direction = numbers && parameter(`${name}.direction`, [1, k], 1);
  return b.named(`${name}/`, () => {
    const vectors = b.add('Gather', [table, ids], { axis: 0 });
    if (numbers) return b.add('Add', [vectors, b.add('MatMul', [numbers, direction!])]);
    if (!list) return vectors;
    const sum =
      pooling === 'root'
        ? sumPresent(b, list.present, vectors)
        : b.add('ReduceSum', [b.add('Mul', [vectors, b.add('Unsqueeze', [list.present, b.ints([2])])]), b.ints([1])], {
            keepdims: 0,
          });
    const count = b.add('Max', [b.add('Cast', [list.length], { to: 'float32' }), b.scalar(1, 'float32')]);
    const divisor = pooling === 'root' ? b.add('Sqrt', [count]) : count;
    // same order as in the published PyTorch model (mask, sum, divide), so that tiny activations are rounded as in that
    // model
    return b.add('Div', [sum, b.add('Unsqueeze', [divisor, b.ints([1])])]);
  });
}

/**
 * Sum of the vectors `[batch, places, k]` at positions with a token: `[batch, k]`. A matrix product takes half the time
 * of a masked sum.
 */
export function sumPresent(b: Builder, present: Value, vectors: Value): Value {
  const row = b.add('Unsqueeze', [present, b.ints([1])]);
  return b.add('Squeeze', [b.add('MatMul', [row, vectors]), b.ints([1])]);
}
