/** Devices and sessions. */
import { describe, expect, it } from 'vitest';
import { Builder, tensor, writeModel } from '../../../packages/onnx-grad/index.ts';
import {
  allFinite,
  CPU,
  openSession,
  parseDevice,
  resolveDevice,
} from '../../../packages/onnx-grad/src/session/session.ts';

describe('parseDevice', () => {
  it.each(['auto', 'cpu', 'cuda', 'cuda:0', 'cuda:1', 'cuda:15'])('accepts %s', (text) => {
    expect(parseDevice(text)).toBe(text);
  });

  it.each(['', 'gpu', 'CUDA', 'cuda:', 'cuda:-1', 'cuda:x', 'cuda:1 ', 'cuda:100', 'cuda:1.5', 'cpu:0'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseDevice(text)).toThrow(
        expect.objectContaining({
          code: 'invalid_device',
          message: `device "${text}" is not one of auto, cpu, cuda, cuda:N`,
        }),
      );
    },
  );
});

describe('resolveDevice', () => {
  it('returns the CPU if requested', async () => {
    expect(await resolveDevice('cpu')).toEqual(CPU);
  });

  it('says what auto chose, and if that is not CUDA, why', async () => {
    const device = await resolveDevice('auto');
    if (device.kind === 'cuda') expect(device).toEqual({ kind: 'cuda', id: 0, detail: 'cuda:0' });
    else expect(device.detail).toMatch(/^cpu \(CUDA is not available: .+\)$/);
  });

  // no machine has a hundredth GPU, so the test means the same with and without CUDA
  it('refuses a requested CUDA device that cannot be loaded, with the reason', async () => {
    const error: unknown = await resolveDevice('cuda:99').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'device_unavailable',
      message: expect.stringMatching(/^cuda:99 cannot be used: ./),
    });
  });
});

describe('openSession', () => {
  const graph = (() => {
    const b = new Builder();
    const x = b.input('x', 'float32', ['n']);
    const y = b.input('y', 'float32', ['n']);
    const sum = b.add('Add', [x, y], {}, { outputs: ['sum'] });
    const ids = b.add('Cast', [sum], { to: 'int64' }, { outputs: ['ids'] });
    return b.build('sums', [sum, ids]);
  })();
  const feeds = { x: tensor('float32', [2], [1, 2]), y: tensor('float32', [2], [10, 20]) };

  it('runs a graph and the bytes of the same graph alike', async () => {
    for (const what of [graph, writeModel(graph)]) {
      const session = await openSession(what);
      expect(session.inputs).toEqual(['x', 'y']);
      expect(session.outputs).toEqual(['sum', 'ids']);
      const out = await session.run(feeds);
      expect(out).toEqual({ sum: tensor('float32', [2], [11, 22]), ids: tensor('int64', [2], [11, 22]) });
      await session.close();
    }
  });

  it('returns the requested outputs, ignores feeds that are not inputs, and writes to the given memory', async () => {
    const session = await openSession(graph);
    const into = tensor('float32', [2], [0, 0]);
    const out = await session.run({ ...feeds, z: feeds.x }, { outputs: ['sum'], into: { sum: into } });
    expect(Object.keys(out)).toEqual(['sum']);
    expect(out['sum']).toBe(into);
    expect([...(into.data as Float32Array)]).toEqual([11, 22]);
    await session.close();
  });

  it("fails with ONNX Runtime's message if an input is missing", async () => {
    const session = await openSession(graph);
    await expect(session.run({ x: feeds.x })).rejects.toThrow(/y/);
    await session.close();
  });
});

describe('allFinite', () => {
  it('finds NaN and infinities in floats', () => {
    expect(allFinite(tensor('float32', [2], [0, -1e38]))).toBe(true);
    expect(allFinite(tensor('float32', [2], [0, Number.NaN]))).toBe(false);
    expect(allFinite(tensor('float64', [1], [Number.NEGATIVE_INFINITY]))).toBe(false);
    expect(allFinite(tensor('int64', [1], [3]))).toBe(true);
  });
});
