/** Einsum computes sums of products over labelled axes. Its gradient is another Einsum. */

import type { Value } from '../graph/ir.ts';
import type { NodeBuilder } from '../graph/node-builder.ts';
import type { Dim } from '../graph/tensor.ts';
import { sameShape } from '../graph/tensor.ts';
import { broadcastDim, mustDiffer } from './dims.ts';
import { commonType, joined, refuse, requireAll, requireNumber, shapeOf, sizeAlong } from './helpers.ts';
import type { InferContext, OpSpec } from './spec.ts';

const LABELS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** A parsed equation. All axes have labels, the ellipsis is expanded, and the result is explicit. */
interface Equation {
  readonly terms: readonly (readonly string[])[];
  readonly result: readonly string[];
}

/** The labels of the axes that the ellipsis stands for. The sizes of these axes are broadcast. */
interface Parsed extends Equation {
  readonly ellipsis: readonly string[];
}

function textOf({ terms, result }: Equation): string {
  return `${terms.map((term) => term.join('')).join(',')}->${result.join('')}`;
}

/** Parses `equation` for inputs of the given ranks. The axes of an ellipsis get unused labels. */
function parse(equation: string, ranks: readonly number[]): Parsed {
  const text = equation.replaceAll(' ', '');
  const [left, right, ...rest] = text.split('->');
  const terms = left!.split(',');
  if (rest.length > 0 || terms.length !== ranks.length)
    refuse(`the equation "${equation}" has ${terms.length} terms for ${ranks.length} inputs`);
  for (const term of [...terms, right ?? ''])
    if (!/^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/.test(term))
      refuse(`the equation "${equation}" contains the invalid term "${term}"`);
  const lettersOf = (term: string) => [...term.replace('...', '')];
  const free = LABELS.filter((label) => !text.includes(label));
  const hidden = terms.map((term, i) => {
    const count = ranks[i]! - lettersOf(term).length;
    if (term.includes('...') ? count < 0 : count !== 0)
      refuse(`the term "${term}" of "${equation}" does not fit a value of rank ${ranks[i]}`);
    return count;
  });
  const most = Math.max(0, ...hidden);
  if (hidden.some((count, i) => terms[i]!.includes('...') && count !== most))
    refuse(`the ellipses of "${equation}" stand for different numbers of axes`);
  if (most > free.length) refuse(`the equation "${equation}" needs more labels than there are letters`);
  const ellipsis = free.slice(0, most);
  const expand = (term: string) => {
    const [before, after] = term.split('...');
    return after === undefined ? [...term] : [...before!, ...ellipsis, ...after];
  };
  const labelled = terms.map(expand);
  const all = labelled.flat();
  const once = LABELS.filter((label) => all.indexOf(label) >= 0 && all.indexOf(label) === all.lastIndexOf(label));
  const result =
    right === undefined ? [...ellipsis, ...once.filter((label) => !ellipsis.includes(label))] : expand(right);
  const odd = result.find((label, i) => !all.includes(label) || result.indexOf(label) !== i);
  if (odd !== undefined) refuse(`the result of "${equation}" repeats "${odd}", or no input has it`);
  return { terms: labelled, result, ellipsis };
}

function equationOf({ inputs, attributes }: Pick<InferContext<'Einsum'>, 'inputs' | 'attributes'>): Parsed {
  return parse(
    attributes.equation,
    inputs.map((input) => input!.shape.length),
  );
}

/**
 * Rearranges the axes of `x`, labelled `from`, to the axes `to`. A label that is repeated in `to` places the values on
 * a diagonal, with zeros elsewhere.
 */
function onDiagonals(b: NodeBuilder, x: Value, from: readonly string[], to: readonly string[]): Value {
  const free = LABELS.filter((label) => !to.includes(label));
  const pairs: string[][] = [];
  const spread = to.map((label, i) => {
    if (to.indexOf(label) === i) return label;
    const other = free[pairs.length]!;
    pairs.push([label, other]);
    return other;
  });
  if (pairs.length === 0) return x;
  const eyes = pairs.map(([label]) => {
    const size = sizeAlong(b, x, from.indexOf(label!));
    return b.add('EyeLike', [b.add('ConstantOfShape', [joined(b, [size, size])], { value: 0, dtype: x.dtype })]);
  });
  return b.add('Einsum', [x, ...eyes], { equation: textOf({ terms: [from, ...pairs], result: spread }) });
}

/**
 * Returns the summed labels that `first` shares with `term` (a later input), and that `term` has after a label of the
 * result that `first` lacks. In `ij,kj->ik`, this is `j`. ONNX Runtime moves such an axis to the front and divides by
 * the axis's size; if the size is 0, the process crashes.
 */
function movedSums(term: readonly string[], first: readonly string[], result: readonly string[]): readonly string[] {
  const own = term.findIndex((label) => result.includes(label) && !first.includes(label));
  return term.filter((label, i) => own >= 0 && i > own && first.includes(label) && !result.includes(label));
}

// y is a sum of products of the inputs, so dx is g times the other inputs, summed over all labels that x does not have;
// along a label that only x has, dx is constant
export const Einsum: OpSpec<'Einsum'> = {
  arity: [1, 64],
  attributes: { equation: 'string' },
  infer: ({ inputs, attributes, freshDim }) => {
    requireAll(inputs);
    const dtype = commonType(inputs);
    requireNumber(inputs[0]!);
    const { terms, result, ellipsis } = equationOf({ inputs, attributes });
    const sizes = new Map<string, Dim>();
    terms.forEach((term, i) => {
      term.forEach((label, axis) => {
        const [size, known] = [inputs[i]!.shape[axis]!, sizes.get(label)];
        // outside an ellipsis, ONNX Runtime does not broadcast a size of 1 against another size: it infers 1 and fails
        // at run time
        if (
          known !== undefined &&
          !ellipsis.includes(label) &&
          (mustDiffer(known, size) || (known === 1) !== (size === 1))
        )
          refuse(`sizes ${known} and ${size} differ along "${label}" of "${attributes.equation}"`);
        const meet = (other: Dim): Dim =>
          ellipsis.includes(label) ? broadcastDim(other, size, freshDim) : typeof other === 'number' ? other : size;
        sizes.set(label, known === undefined ? size : meet(known));
      });
    });
    const empty = terms
      .slice(1)
      .flatMap((term) => movedSums(term, terms[0]!, result))
      .find((label) => sizes.get(label) === 0);
    if (empty) refuse(`"${attributes.equation}" sums over no elements along "${empty}"`);
    return [{ dtype, shape: result.map((label) => sizes.get(label)!) }];
  },
  gradient: ({ b, inputs, attributes, gradient: g, wants }) => {
    const { terms, result, ellipsis } = equationOf({ inputs, attributes });
    for (const label of ellipsis) {
      const sizes = terms.map((term, i) => inputs[i]!.shape[term.indexOf(label)]).filter((size) => size !== undefined);
      if (sizes.some((size) => size === 1) && sizes.some((size) => size !== 1))
        refuse(`the ellipsis of "${attributes.equation}" broadcasts: expand the inputs to the same shape first`);
    }
    return inputs.map((input, i) => {
      if (!wants(i)) return null;
      const x = input!;
      const own = [...new Set(terms[i]!)];
      const others = inputs.flatMap((other, k) => (k === i ? [] : [{ value: other!, term: terms[k]! }]));
      const given = new Set([...result, ...others.flatMap(({ term }) => term)]);
      const present = own.filter((label) => given.has(label));
      const equation = textOf({ terms: [result, ...others.map(({ term }) => term)], result: present });
      let d = b.add('Einsum', [g, ...others.map(({ value }) => value)], { equation });
      const absent = own.flatMap((label, axis) => (given.has(label) ? [] : [axis]));
      if (absent.length > 0) d = b.add('Unsqueeze', [d, b.ints(absent)]);
      const shape = own.map((label) => x.shape[terms[i]!.indexOf(label)]!);
      if (!sameShape(d.shape, shape)) {
        const sizes = own.map((label) => sizeAlong(b, x, terms[i]!.indexOf(label)));
        d = b.add('Expand', [d, own.length === x.shape.length ? shapeOf(b, x) : joined(b, sizes)]);
      }
      return onDiagonals(b, d, own, terms[i]!);
    });
  },
};
