/** Normalizations: (x - mean) / sqrt(variance + epsilon) * scale + bias. */
import type { Builder } from '../graph/builder.ts';
import type { Value } from '../graph/ir.ts';
import type { NodeOptions } from '../graph/node-builder.ts';
import { broadcastShapes, mustDiffer, normalizeAxis } from '../ops/dims.ts';
import { refuse } from '../ops/helpers.ts';
import { EVALUATION } from './layers.ts';
import type { CompositeSpec } from './spec.ts';

const DEFAULT_EPSILON = 1e-5;

// LayerNormalization normalizes over the axes from `axis` to the last
export const LayerNormalization: CompositeSpec<'LayerNormalization'> = {
  arity: [2, 3],
  outputs: 3,
  attributes: { axis: 'int', epsilon: 'float', stash_type: 'int' },
  decompose: ({ b, inputs, attributes: { axis = -1, epsilon, stash_type = 1 }, output, wants }) => {
    const [x, scale, bias] = [inputs[0]!, inputs[1]!, inputs[2]];
    const rank = x.shape.length;
    if (stash_type !== 1) refuse(`stash_type is ${stash_type}, but only 1 (float32) is supported`);
    if (x.dtype !== 'float32' && (wants(1) || wants(2)))
      refuse(`the mean would be float32, but "${x.name}" is ${x.dtype}`);
    for (const value of [scale, ...(bias ? [bias] : [])]) {
      const wide = broadcastShapes([x.shape, value.shape], () => '');
      if (wide.length !== rank || wide.some((dim, i) => mustDiffer(dim, x.shape[i]!)))
        refuse(`"${value.name}" of shape [${value.shape.join(', ')}] does not broadcast to [${x.shape.join(', ')}]`);
    }
    const axes = axesFrom(normalizeAxis(axis, rank), rank);
    const { centred, deviation } = moments(b, x, axes, epsilon, wants(1) ? output(1) : {});
    const normal = b.add('Div', [centred, deviation]);
    if (bias) b.add('Add', [b.add('Mul', [normal, scale]), bias], {}, output(0));
    else b.add('Mul', [normal, scale], {}, output(0));
    if (wants(2)) b.add('Reciprocal', [deviation], {}, output(2));
  },
};

// InstanceNormalization normalizes each channel of each row over all axes after the channel axis
export const InstanceNormalization: CompositeSpec<'InstanceNormalization'> = {
  arity: [3, 3],
  outputs: 1,
  attributes: { epsilon: 'float' },
  decompose: ({ b, inputs, attributes: { epsilon }, output }) => {
    const [x, scale, bias] = [inputs[0]!, inputs[1]!, inputs[2]!];
    if (x.shape.length < 3) refuse(`"${x.name}" has rank ${x.shape.length}, but at least 3 is needed`);
    const { centred, deviation } = moments(b, x, axesFrom(2, x.shape.length), epsilon);
    const normal = b.add('Div', [centred, deviation]);
    b.add('Add', [b.add('Mul', [normal, perChannel(b, scale, x)]), perChannel(b, bias, x)], {}, output(0));
  },
};

// GroupNormalization normalizes each group of each row over the group's channels and all later axes
export const GroupNormalization: CompositeSpec<'GroupNormalization'> = {
  arity: [3, 3],
  outputs: 1,
  attributes: { epsilon: 'float', num_groups: 'int', stash_type: 'int' },
  decompose: ({ b, inputs, attributes: { epsilon, num_groups, stash_type = 1 }, output }) => {
    const [x, scale, bias] = [inputs[0]!, inputs[1]!, inputs[2]!];
    const [, channels, ...places] = x.shape;
    if (stash_type !== 1) refuse(`stash_type is ${stash_type}, but only 1 (float32) is supported`);
    if (x.shape.length < 3) refuse(`"${x.name}" has rank ${x.shape.length}, but at least 3 is needed`);
    if (num_groups === undefined || typeof channels !== 'number' || channels % num_groups !== 0)
      refuse(`${channels} channels cannot be divided into ${num_groups} groups`);
    const width = channels / num_groups;
    // `grouped` has the shape [rows, groups, elements per group]
    const grouped = b.add('Reshape', [x, b.ints([0, num_groups, -1])]);
    const { centred, deviation } = moments(b, grouped, [2], epsilon);
    const normal = b.add('Div', [centred, deviation]);
    const shape = b.add('Shape', [x], { start: 0 });
    const apart = places.length === 0 ? normal : b.add('Reshape', [normal, shape]);
    // before opset 21, there was one scale per group
    const of = (vector: Value): Value => {
      if (vector.shape.length !== 1 || vector.shape[0] !== num_groups || width === 1) return perChannel(b, vector, x);
      const repeated = b.add('Expand', [b.add('Unsqueeze', [vector, b.ints([1])]), b.ints([num_groups, width])]);
      return perChannel(b, b.add('Reshape', [repeated, b.ints([-1])]), x);
    };
    b.add('Add', [b.add('Mul', [apart, of(scale)]), of(bias)], {}, output(0));
  },
};

// BatchNormalization uses the mean and the variance of the training data
export const BatchNormalization: CompositeSpec<'BatchNormalization'> = {
  arity: [5, 5],
  outputs: 5,
  attributes: { epsilon: 'float', momentum: 'float', training_mode: 'int' },
  decompose: ({ b, inputs, attributes: { epsilon = DEFAULT_EPSILON, training_mode = 0 }, output, wants }) => {
    // before opset 14, training mode had no attribute; a node in training mode was recognisable by having more than one
    // output
    if (training_mode !== 0 || [1, 2, 3, 4].some(wants)) refuse(`the node is in training mode: ${EVALUATION}`);
    const x = inputs[0]!;
    if (x.shape.length < 2) refuse(`"${x.name}" has rank ${x.shape.length}, but at least 2 is needed`);
    const [scale, bias, mean, variance] = inputs.slice(1).map((value) => perChannel(b, value!, x));
    const deviation = b.add('Sqrt', [b.add('Add', [variance!, b.scalar(Math.fround(epsilon), x)])]);
    const centred = b.add('Sub', [x, mean!]);
    const scaled = b.add('Mul', [centred, b.add('Div', [scale!, deviation])]);
    b.add('Add', [scaled, bias!], {}, output(0));
  },
};

/**
 * The names of the means and variances of all BatchNormalization nodes in `nodes`. No gradient step may change these
 * values.
 */
export function runningStatistics(
  nodes: Iterable<{ readonly opType: string; readonly input: readonly string[] }>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { opType, input } of nodes)
    if (opType === 'BatchNormalization') for (const name of input.slice(3, 5)) names.add(name);
  return names;
}

const axesFrom = (first: number, rank: number) => Array.from({ length: rank - first }, (_, i) => first + i);

/**
 * Adds nodes for x - mean and sqrt(variance + epsilon), computed over `axes`, which are kept with size 1. `options`
 * applies to the node that computes the mean.
 */
function moments(
  b: Builder,
  x: Value,
  axes: readonly number[],
  epsilon = DEFAULT_EPSILON,
  options: NodeOptions = {},
): { centred: Value; deviation: Value } {
  const over = b.ints(axes);
  const centred = b.add('Sub', [x, b.add('ReduceMean', [x, over], {}, options)]);
  // ONNX Runtime fuses the nodes of a normalization into one kernel only if the square is computed by a Pow
  const variance = b.add('ReduceMean', [b.add('Pow', [centred, b.scalar(2, x)]), over]);
  return { centred, deviation: b.add('Sqrt', [b.add('Add', [variance, b.scalar(Math.fround(epsilon), x)])]) };
}

/** Reshapes a vector with one number per channel (axis 1 of `x`) so that it can be broadcast to `x`. */
function perChannel(b: Builder, vector: Value, x: Value): Value {
  const channels = x.shape[1]!;
  if (vector.shape.length !== 1 || mustDiffer(vector.shape[0]!, channels))
    refuse(`"${vector.name}" has shape [${vector.shape.join(', ')}], not [${channels}]`);
  const behind = axesFrom(1, x.shape.length - 1);
  return behind.length === 0 ? vector : b.add('Unsqueeze', [vector, b.ints(behind)]);
}
