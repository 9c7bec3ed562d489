// Differentiates a gradient: the sum of w^3 has the gradient 3 w^2, whose sum has the gradient 6 w.
import { Builder, differentiate, openSession, tensor } from '../index.ts';

const b = new Builder();
const w = b.initializer('w', tensor('float32', [3], [1, 2, 3]));
const cube = b.add('Mul', [b.add('Mul', [w, w]), w]);
const loss = b.add('ReduceSum', [cube], { keepdims: 0 }, { name: 'loss' });
const first = differentiate(b.build('example', [loss]), 'loss', ['w']);

const c = Builder.from(first);
const sum = c.add('ReduceSum', [c.get('grad/w')], { keepdims: 0 }, { name: 'sum' });
const second = differentiate(c.build('example', [c.get('grad/w'), sum]), 'sum', ['w']);

const session = await openSession(second);
const outputs = await session.run({});
await session.close();
for (const name of second.outputs) console.log(name, [...outputs[name]!.data]);
