/** Errors of packages/onnx-grad as callers of the service see them. */
import { describe, expect, it } from 'vitest';
import { GraphError, OnnxGradError } from '../../packages/onnx-grad/index.ts';
import { AppError } from '../../src/lib/errors.ts';
import { appErrorOf, openDevice, withAppErrors } from '../../src/model/onnx-grad.ts';

describe('appErrorOf', () => {
  it.each([
    [new GraphError('no graph'), 'invalid_graph'],
    [new OnnxGradError('index_out_of_range', 'index 9'), 'invalid_model'],
    [new OnnxGradError('not_linear', 'a blend'), 'invalid_model'],
    [new OnnxGradError('too_large', 'a parameter'), 'invalid_model'],
  ])('gives %s the code %s and its message', (error, code) => {
    const own = appErrorOf(error);
    expect(own).toBeInstanceOf(AppError);
    expect(own).toMatchObject({ code, message: error.message, cause: error });
  });

  it('returns any other error unchanged', () => {
    for (const error of [new AppError('invalid_model', 'own'), new Error('a bug'), 'text'])
      expect(appErrorOf(error)).toBe(error);
  });
});

describe('withAppErrors', () => {
  it('translates what is thrown, and what a promise is rejected with', async () => {
    const fail = () => {
      throw new GraphError('bad');
    };
    await expect(withAppErrors(fail)).rejects.toMatchObject({ name: 'AppError', code: 'invalid_graph' });
    await expect(withAppErrors(async () => fail())).rejects.toMatchObject({ name: 'AppError', code: 'invalid_graph' });
    expect(await withAppErrors(() => 1)).toBe(1);
  });
});

describe('openDevice', () => {
  it('refuses a text that names no device: invalid_argument', async () => {
    await expect(openDevice('gpu')).rejects.toMatchObject({
      name: 'AppError',
      code: 'invalid_argument',
      message: 'device "gpu" is not one of auto, cpu, cuda, cuda:N',
    });
  });

  // no machine has a hundredth GPU, so the test is the same with and without CUDA
  it('says how to get a named GPU that cannot be used: device_unavailable', async () => {
    await expect(openDevice('cuda:99')).rejects.toMatchObject({
      name: 'AppError',
      code: 'device_unavailable',
      message: expect.stringMatching(
        /^cuda:99 cannot be used: .+\. Install onnxruntime-node's CUDA binaries \(see docs\/operations.md, "GPU"\) or use --device cpu$/,
      ),
    });
  });

  it('opens the CPU', async () => {
    expect(await openDevice('cpu')).toMatchObject({ kind: 'cpu' });
  });
});
