// Reads a model that PyTorch exported, and writes a graph of its loss and gradients for any ONNX Runtime.
import { readFileSync, writeFileSync } from 'node:fs';
import { Builder, binaryCrossEntropy, differentiate, readModel, trainableParameters, writeModel } from '../index.ts';

const model = readModel(readFileSync('model.onnx'));
const parameters = trainableParameters(model);

const b = Builder.from(model);
const score = b.get('score');
const loss = binaryCrossEntropy(b, score, b.input('label', 'float32', score.shape));
const gradients = differentiate(b.build('gradients', [loss]), loss.name, parameters);

writeFileSync('gradients.onnx', writeModel(gradients));
console.log('inputs', readModel(readFileSync('gradients.onnx')).inputs);
console.log('outputs', gradients.outputs);
