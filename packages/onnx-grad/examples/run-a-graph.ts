// Builds a graph, prints it and runs it on a batch of two rows.
import { Builder, openSession, printGraph, tensor } from '../index.ts';

const b = new Builder();
const x = b.input('x', 'float32', ['batch', 2]);
const w = b.initializer('w', tensor('float32', [2, 1], [0.5, -1]));
const score = b.add('Sigmoid', [b.add('MatMul', [x, w])], {}, { name: 'score' });
const graph = b.build('example', [score]);
console.log(printGraph(graph));

const session = await openSession(graph);
const outputs = await session.run({ x: tensor('float32', [2, 2], [1, 0, 0, 1]) });
await session.close();
for (const value of outputs['score']!.data) console.log(Number(value).toFixed(4));
