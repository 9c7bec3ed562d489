// Differentiates the squared error of a prediction with respect to its weights.
import { Builder, differentiate, openSession, tensor } from '../index.ts';

const b = new Builder();
const x = b.input('x', 'float32', ['batch', 2]);
const y = b.input('y', 'float32', ['batch', 1]);
const w = b.initializer('w', tensor('float32', [2, 1], [1, 1]));
const error = b.add('Sub', [b.add('MatMul', [x, w]), y]);
const loss = b.add('ReduceSum', [b.add('Mul', [error, error])], { keepdims: 0 }, { name: 'loss' });
const gradients = differentiate(b.build('example', [loss]), 'loss', ['w']);

// x = (1, 2), y = 5: the error is -2, and the gradient is 2 * error * x
const session = await openSession(gradients);
const outputs = await session.run({ x: tensor('float32', [1, 2], [1, 2]), y: tensor('float32', [1, 1], [5]) });
await session.close();
console.log('loss', outputs['loss']!.data[0], 'gradient', [...outputs['grad/w']!.data]);
