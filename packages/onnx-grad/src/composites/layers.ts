/** Composite layers: Conv with kernel size 1, Dropout, GlobalAveragePool, CastLike, ReduceLogSum. */
import { refuse, shapeOf } from '../ops/helpers.ts';
import type { CompositeSpec } from './spec.ts';

/** Advice for a model that was exported in training mode. */
export const EVALUATION = 'export the model in evaluation mode (in Python model.eval())';

export const Dropout: CompositeSpec<'Dropout'> = {
  arity: [1, 3],
  outputs: 2,
  attributes: { seed: 'int' },
  decompose: ({ b, inputs, output, wants }) => {
    const [x, training] = [inputs[0]!, inputs[2]];
    if (training) {
      const mode = b.constantOf(training);
      const advice = `${EVALUATION}. F.dropout needs training=self.training`;
      if (!mode) refuse(`the training mode "${training.name}" is only known at run time: ${advice}`);
      if (mode.data.some((flag) => Boolean(flag))) refuse(`the node is in training mode: ${advice}`);
    }
    b.add('Identity', [x], {}, output(0));
    if (wants(1)) b.add('ConstantOfShape', [shapeOf(b, x)], { value: 1, dtype: 'bool' }, output(1));
  },
};

// global average pooling is the mean over all axes after the channel axis
export const GlobalAveragePool: CompositeSpec<'GlobalAveragePool'> = {
  arity: [1, 1],
  outputs: 1,
  attributes: {},
  decompose: ({ b, inputs, output }) => {
    const { name, shape } = inputs[0]!;
    if (shape.length < 3) refuse(`"${name}" has rank ${shape.length}, but at least 3 is needed`);
    b.add('ReduceMean', [inputs[0]!, b.ints(shape.slice(2).map((_, i) => i + 2))], {}, output(0));
  },
};

// a convolution with kernel size 1 is a matrix product with weights [out, in]; for this product, channels must be the
// last axis
export const Conv: CompositeSpec<'Conv'> = {
  arity: [2, 3],
  outputs: 1,
  attributes: {
    auto_pad: 'string',
    dilations: 'ints',
    group: 'int',
    kernel_shape: 'ints',
    pads: 'ints',
    strides: 'ints',
  },
  decompose: ({ b, inputs, attributes: { auto_pad = 'NOTSET', group = 1, pads = [], strides = [] }, output }) => {
    const [x, weight, bias] = [inputs[0]!, inputs[1]!, inputs[2]];
    const rank = x.shape.length;
    const kernel = weight.shape.slice(2);
    const isPointwise = rank >= 3 && weight.shape.length === rank && kernel.every((size) => size === 1);
    const isPlain = group === 1 && pads.every((pad) => pad === 0) && strides.every((stride) => stride === 1);
    // a kernel of size 1 needs no padding, so any auto_pad is accepted
    if (!isPointwise || !isPlain || !['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'].includes(auto_pad))
      refuse(
        `the kernel is [${kernel.join(', ')}]: only convolutions with kernel size 1, without groups, strides ` +
          'or pads, are supported. Write other convolutions as a linear layer over windows (in Python ' +
          'x.unfold(..) and nn.Linear)',
      );
    const places = Array.from({ length: rank - 2 }, (_, i) => i + 2);
    const last = b.add('Transpose', [x], { perm: [0, ...places, 1] });
    const matrix = b.add('Transpose', [b.add('Squeeze', [weight, b.ints(places)])], { perm: [1, 0] });
    const product = b.add('MatMul', [last, matrix]);
    const sum = bias ? b.add('Add', [product, bias]) : product;
    b.add('Transpose', [sum], { perm: [0, rank - 1, ...places.map((axis) => axis - 1)] }, output(0));
  },
};

export const CastLike: CompositeSpec<'CastLike'> = {
  arity: [2, 2],
  outputs: 1,
  attributes: {},
  decompose: ({ b, inputs, output }) => {
    b.add('Cast', [inputs[0]!], { to: inputs[1]!.dtype }, output(0));
  },
};

export const ReduceLogSum: CompositeSpec<'ReduceLogSum'> = {
  arity: [1, 2],
  outputs: 1,
  attributes: { keepdims: 'int', noop_with_empty_axes: 'int' },
  decompose: ({ b, inputs: [x, axes], attributes, output }) => {
    b.add('Log', [b.add('ReduceSum', axes ? [x!, axes] : [x!], attributes)], {}, output(0));
  },
};
