/** Ops that split and join values: Concat, Split, Slice, Pad. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import { type Dim, typeText } from '../graph/tensor.ts';
import { knownElements, knownNumbers, mustDiffer, normalizeAxis, requireNumbers } from './dims.ts';
import {
  asInt64,
  commonType,
  joined,
  refuse,
  requireAll,
  requireInteger,
  reshapeLike,
  scatterAlong,
  sizeAlong,
  zerosLike,
  zerosOfSize,
} from './helpers.ts';
import type { InferContext, OpSpec } from './spec.ts';

// the gradient of an input is the corresponding part of g
export const Concat: OpSpec<'Concat'> = {
  arity: [1, 4096],
  attributes: { axis: 'int' },
  infer: ({ inputs, attributes, freshDim }) => {
    requireAll(inputs);
    const dtype = commonType(inputs);
    const first = inputs[0]!.shape;
    const axis = normalizeAxis(attributes.axis, first.length);
    const shape: Dim[] = [...first];
    let size: number | null = 0;
    for (const input of inputs) {
      if (input!.shape.length !== first.length) refuse('the inputs have different ranks');
      input!.shape.forEach((dim, i) => {
        if (i === axis) size = size !== null && typeof dim === 'number' ? size + dim : null;
        else if (mustDiffer(dim, shape[i]!)) refuse(`sizes ${shape[i]} and ${dim} differ at axis ${i}`);
        else if (typeof dim === 'number') shape[i] = dim;
      });
    }
    shape[axis] = inputs.length === 1 ? first[axis]! : (size ?? freshDim());
    const known =
      first.length === 1 && inputs.every((input) => input!.known)
        ? inputs.flatMap((input) => [...input!.known!])
        : undefined;
    return [{ dtype, shape, known }];
  },
  gradient: ({ b, inputs, attributes, gradient: g, wants }) => {
    const axis = normalizeAxis(attributes.axis, g.shape.length);
    const sizes = inputs.map((input) => sizeAlong(b, input!, axis));
    // one Split is used instead of many Slices, because the derivative of the Slices would be a sum of many full-size
    // values
    if (inputs.length > 1 && inputs.every((_, i) => wants(i)))
      return b.addAll('Split', [g, joined(b, sizes)], { axis }).map((part, i) => reshapeLike(b, part, inputs[i]!));
    let start = b.ints([0]);
    return inputs.map((input, i) => {
      const from = start;
      start = plus(b, from, sizes[i]!);
      return wants(i) ? reshapeLike(b, b.add('Slice', [g, from, start, b.ints([axis])]), input!) : null;
    });
  },
};

/** Adds two int64 vectors with one element. The result is a constant if both are known. */
function plus(b: NodeBuilder, x: Value, y: Value): Value {
  const [p, q] = [knownNumbers(x), knownNumbers(y)];
  return p && q ? b.ints([p[0]! + q[0]!]) : b.add('Add', [x, y]);
}

/** The sizes of the parts of a Split along `axis`. */
function partSizes({ inputs: [x, split], attributes, freshDim }: InferContext<'Split'>, axis: number): readonly Dim[] {
  const whole = x!.shape[axis]!;
  const { num_outputs: count } = attributes;
  if (split && count !== undefined) refuse('both split and num_outputs are given');
  if (split) {
    requireInteger(split, 'the sizes of the parts');
    if (split.shape.length !== 1) refuse('the sizes of the parts must be a vector');
    const length = split.shape[0]!;
    if (typeof length !== 'number') refuse('the number of parts must be known before running');
    const sum = knownNumbers(split)?.reduce((total, size) => total + size, 0);
    if (sum !== undefined && mustDiffer(sum, whole))
      refuse(`the parts have ${sum} elements in total, but the axis has ${whole}`);
    return split.known ?? Array.from({ length }, freshDim);
  }
  if (count === undefined || count < 1) refuse('neither split nor num_outputs is given');
  if (count === 1) return [whole];
  if (typeof whole === 'string') {
    const size = freshDim();
    return [...new Array<Dim>(count - 1).fill(size), freshDim()];
  }
  const size = Math.ceil(whole / count);
  const last = whole - size * (count - 1);
  if (last < 0) refuse(`size ${whole} does not split into ${count} parts of ${size}`);
  return [...new Array<Dim>(count - 1).fill(size), last];
}

// the gradient is the concatenation of the parts' gradients; a part that does not affect the loss gets zeros
export const Split: OpSpec<'Split'> = {
  arity: [1, 2],
  attributes: { axis: 'int', num_outputs: 'int' },
  infer: (c) => {
    const { dtype, shape, known } = c.inputs[0]!;
    const axis = normalizeAxis(c.attributes.axis ?? 0, shape.length);
    let start = 0;
    return partSizes(c, axis).map((size) => {
      const from = start;
      start = typeof size === 'number' ? from + size : Number.NaN;
      const part = known && shape.length === 1 && !Number.isNaN(start) ? known.slice(from, start) : undefined;
      return { dtype, shape: shape.with(axis, size), known: part };
    });
  },
  gradient: ({ b, inputs: [x], outputs, attributes, gradients }) => {
    const axis = normalizeAxis(attributes.axis ?? 0, x!.shape.length);
    const parts = gradients.map((gradient, i) => gradient ?? zerosLike(b, outputs[i]!));
    return [reshapeLike(b, b.add('Concat', parts, { axis }), x!), null];
  },
};

/** The range that a Slice selects along one axis. A property is null if its value is only known at run time. */
interface SliceBounds {
  readonly axis: number;
  readonly start: number | null;
  readonly end: number | null;
  readonly step: number | null;
}

function cutsOf(inputs: readonly (Value | null)[]): readonly SliceBounds[] {
  const [x, starts, ends, axes, steps] = inputs;
  const rank = x!.shape.length;
  for (const input of inputs.slice(1)) if (input) requireInteger(input, 'a bound');
  const count = starts!.shape[0];
  if (typeof count !== 'number') refuse('the number of sliced axes must be known before running');
  const odd = inputs
    .slice(1)
    .find((input) => input && (input.shape.length !== 1 || mustDiffer(input.shape[0]!, count)));
  if (odd) refuse(`"${odd.name}" is ${typeText(odd)}, not one bound for each of ${count} axes`);
  const axisOf = axes ? requireNumbers(axes, 'the axes of Slice').map((axis) => normalizeAxis(axis, rank)) : null;
  const stepOf = steps ? knownNumbers(steps) : new Array<number>(count).fill(1);
  if (stepOf?.includes(0)) refuse('a step is 0');
  const [startOf, endOf] = [knownNumbers(starts), knownNumbers(ends)];
  return Array.from({ length: count }, (_, i) => ({
    axis: normalizeAxis(axisOf ? axisOf[i]! : i, rank),
    start: startOf?.[i] ?? null,
    end: endOf?.[i] ?? null,
    step: stepOf?.[i] ?? null,
  }));
}

/**
 * Returns the first position and the number of positions that a Slice selects along an axis of known size, clamped as
 * in ONNX.
 */
function placesOf(start: number, end: number, step: number, size: number): readonly [first: number, count: number] {
  const low = step < 0 ? -1 : 0;
  const high = step < 0 ? size - 1 : size;
  const clamp = (x: number, least: number) => Math.min(Math.max(x < 0 ? x + size : x, least), high);
  const first = clamp(start, 0);
  return [first, size === 0 ? 0 : Math.max(0, Math.ceil((clamp(end, low) - first) / step))];
}

/** A number larger than any size. Exporters write such numbers for "to the end". */
const FAR = 2 ** 31 - 1;

/** Whether a Slice selects a whole axis, forwards or backwards. The size of the axis may be unknown. */
function takesAll({ start, end, step }: SliceBounds): boolean {
  if (start === null || end === null) return false;
  return step === 1 ? start === 0 && end >= FAR : step === -1 && (start === -1 || start >= FAR) && end <= -FAR;
}

// the gradient is zero outside the slice, so zeros are added axis by axis: before, after and, if the step is not 1,
// between the elements
export const Slice: OpSpec<'Slice'> = {
  arity: [3, 5],
  attributes: {},
  infer: ({ inputs, freshDim }) => {
    const x = inputs[0]!;
    const shape: Dim[] = [...x.shape];
    const from = shape.map(() => ({ first: 0, step: 1 }));
    for (const cut of cutsOf(inputs)) {
      const { axis, start, end, step } = cut;
      const size = x.shape[axis]!;
      if (start !== null && end !== null && step !== null && typeof size === 'number') {
        const [first, count] = placesOf(start, end, step, size);
        shape[axis] = count;
        from[axis] = { first, step };
      } else if (!takesAll(cut)) shape[axis] = freshDim();
    }
    const known = knownElements(x, shape, (index) => index.map((i, axis) => from[axis]!.first + i * from[axis]!.step));
    return [{ dtype: x.dtype, shape, known }];
  },
  gradient: ({ b, inputs, gradient: g }) => {
    const x = inputs[0]!;
    const at = (i: number, input: Value) =>
      knownNumbers(input)
        ? b.ints([Math.min(Math.max(knownNumbers(input)![i]!, -(2 ** 62)), 2 ** 62)])
        : b.add('Slice', [asInt64(b, input), b.ints([i]), b.ints([i + 1])]);
    const out = cutsOf(inputs).reduce((part, cut, i) => {
      const [start, end] = [at(i, inputs[1]!), at(i, inputs[2]!)];
      if (cut.step === 1) return putBack(b, part, x, cut, start);
      const step = at(i, inputs[4]!);
      const places = b.add('Slice', [placesAlong(b, x, cut.axis), start, end, b.ints([0]), step]);
      return scatterAlong(b, part, places, cut.axis, sizeAlong(b, x, cut.axis));
    }, g);
    return [reshapeLike(b, out, x), null, null, null, null];
  },
};

/**
 * Adds zeros before and after `part` along one axis, in place of the elements of `x` that a Slice with step 1 left out.
 */
function putBack(b: NodeBuilder, part: Value, x: Value, { axis, start, end }: SliceBounds, from: Value): Value {
  const size = x.shape[axis]!;
  let [before, after]: readonly (Value | null)[] = [null, null];
  if (typeof size === 'number' && start !== null && end !== null) {
    const [first, count] = placesOf(start, end, 1, size);
    before = first > 0 ? b.ints([first]) : null;
    after = first + count < size ? b.ints([size - first - count]) : null;
  } else {
    // a Slice clamps `from` at run time, because `from` may be negative or beyond the end
    before = b.add('Shape', [b.add('Slice', [placesAlong(b, x, axis), b.ints([0]), from])]);
    after = b.add('Sub', [sizeAlong(b, x, axis), b.add('Add', [before, sizeAlong(b, part, axis)])]);
  }
  const parts = [before && zerosOfSize(b, part, axis, before), part, after && zerosOfSize(b, part, axis, after)].filter(
    (piece) => piece !== null,
  );
  return parts.length > 1 ? b.add('Concat', parts, { axis }) : part;
}

/** Returns the positions 0, 1, .. along an axis of `x`. */
function placesAlong(b: NodeBuilder, x: Value, axis: number): Value {
  const size = b.add('Squeeze', [sizeAlong(b, x, axis), b.ints([0])]);
  return b.add('Range', [b.scalar(0, 'int64'), size, b.scalar(1, 'int64')]);
}

// the gradient of x is g without the padding (with zeros where a negative pad cut elements off); the gradient of the
// fill value is the sum of g over the padding
export const Pad: OpSpec<'Pad'> = {
  arity: [2, 3],
  attributes: { mode: 'string' },
  infer: ({ inputs: [x, pads, fill], attributes: { mode = 'constant' }, freshDim }) => {
    if (mode !== 'constant') refuse(`mode "${mode}" is not supported: only constant is`);
    if (pads!.dtype !== 'int64') refuse(`the pads are ${pads!.dtype}, not int64`);
    if (fill && (fill.dtype !== x!.dtype || fill.shape.length > 1 || mustDiffer(fill.shape[0] ?? 1, 1)))
      refuse(`the fill value is ${typeText(fill)}, not a scalar ${x!.dtype}`);
    const rank = x!.shape.length;
    if (rank === 0) refuse('a scalar has no axis to pad');
    if (pads!.shape.length !== 1 || mustDiffer(pads!.shape[0]!, 2 * rank))
      refuse(`the pads are ${typeText(pads!)}, not two for each of ${rank} axes`);
    const known = knownNumbers(pads);
    const shape = x!.shape.map((size, axis): Dim => {
      const [before, after] = [known?.[axis], known?.[rank + axis]];
      if (before === 0 && after === 0) return size;
      if (before === undefined || after === undefined || typeof size === 'string') return freshDim();
      const added = before + after;
      if (size + added < 0) refuse(`the pads remove ${-added} from axis ${axis}, whose size is only ${size}`);
      return size + added;
    });
    return [{ dtype: x!.dtype, shape }];
  },
  gradient: ({ b, inputs: [x, pads, fill], gradient: g, wants }) => {
    const known = knownNumbers(pads);
    const taken = known ? b.ints(known.map((pad) => 0 - pad)) : b.add('Neg', [pads!]);
    const dFill = () => {
      const mask = b.add('Pad', [zerosLike(b, x!), pads!, b.scalar(1, g)]);
      return reshapeLike(b, b.add('ReduceSum', [b.add('Mul', [g, mask])], { keepdims: 0 }), fill!);
    };
    return [wants(0) ? reshapeLike(b, b.add('Pad', [g, taken]), x!) : null, null, fill && wants(2) ? dFill() : null];
  },
};
