/** Dropout, which does nothing outside training, and GlobalAveragePool. */
import { refuse, shapeOf } from '../ops/helpers.ts';
import type { CompositeSpec } from './spec.ts';

/** What to do with a model that was exported in training mode. */
export const EVALUATION = 'export the model in evaluation mode (in Python model.eval())';

export const Dropout: CompositeSpec<'Dropout'> = {
  arity: [1, 3],
  outputs: 2,
  attributes: { seed: 'int' },
  decompose: ({ b, inputs, output, wants }) => {
    const [x, training] = [inputs[0]!, inputs[2]];
    if (training) {
      const mode = b.constantOf(training);
      if (!mode) refuse(`its training mode "${training.name}" is only known at run time: ${EVALUATION}`);
      if (mode.data.some((flag) => Boolean(flag))) refuse(`it is in training mode: ${EVALUATION}`);
    }
    b.add('Identity', [x], {}, output(0));
    if (wants(1)) b.add('ConstantOfShape', [shapeOf(b, x)], { value: 1, dtype: 'bool' }, output(1));
  },
};

// the mean over the axes after the channels
export const GlobalAveragePool: CompositeSpec<'GlobalAveragePool'> = {
  arity: [1, 1],
  outputs: 1,
  attributes: {},
  decompose: ({ b, inputs, output }) => {
    const { name, shape } = inputs[0]!;
    if (shape.length < 3) refuse(`"${name}" has rank ${shape.length}, not at least 3`);
    b.add('ReduceMean', [inputs[0]!, b.ints(shape.slice(2).map((_, i) => i + 2))], {}, output(0));
  },
};
