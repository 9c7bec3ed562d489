// Fits y = 2 a - 3 b + 1 to 64 points with Adam.
import { Adam, Builder, differentiate, openSession, tensor } from '../index.ts';

const b = new Builder();
const x = b.input('x', 'float32', ['batch', 2]);
const y = b.input('y', 'float32', ['batch', 1]);
const w = b.input('w', 'float32', [2, 1]);
const bias = b.input('bias', 'float32', [1]);
const error = b.add('Sub', [b.add('Add', [b.add('MatMul', [x, w]), bias]), y]);
const loss = b.add('ReduceMean', [b.add('Mul', [error, error])], { keepdims: 0 }, { name: 'loss' });
const gradients = differentiate(b.build('regression', [loss]), 'loss', ['w', 'bias']);

const points = Array.from({ length: 64 }, (_, i) => [Math.sin(i), Math.cos(3 * i)] as const);
const batch = {
  x: tensor('float32', [64, 2], points.flat()),
  y: tensor(
    'float32',
    [64, 1],
    points.map(([p, q]) => 2 * p - 3 * q + 1),
  ),
};
const adam = new Adam(
  new Map([
    ['w', tensor('float32', [2, 1], [0, 0])],
    ['bias', tensor('float32', [1], [0])],
  ]),
);
const session = await openSession(gradients);
for (let step = 1; step <= 150; step++) {
  const outputs = await session.run({ ...batch, ...Object.fromEntries(adam.parameters) });
  for (const [name, gradient] of adam.gradients) gradient.set(outputs[`grad/${name}`]!.data as Float32Array);
  adam.step(0.05);
  if (step % 50 === 0) console.log('step', step, 'loss', Number(outputs['loss']!.data[0]).toFixed(4));
}
await session.close();
for (const [name, { data }] of adam.parameters)
  console.log(
    name,
    [...data].map((value) => Number(value).toFixed(2)),
  );
