/** customised.bin: its bytes, refusals, and the ONNX file that it turns a general model into. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSession, readModel, tensor } from '../../packages/onnx-grad/index.ts';
import { changesOf } from '../../src/model/changes.ts';
import { type Customised, customisedOnnx, decodeCustomised, encodeCustomised } from '../../src/model/customised.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { useFolders } from '../fixture/folders.ts';
import { randomFeeds, scoresOf, TINY, tinyGraph, writeTinyModel } from './tiny-model.ts';

const freshFolder = useFolders();

const CUSTOMISED: Customised = {
  modelVersion: '0123456789ab',
  populationVersion: 'ba9876543210',
  features: { words: ['b', 'a'], topic: 'topic\n3', '10': 'x', price: -0.5, text: [0.25, 3], none: [] },
  leftOut: { feature: 'past_campaigns', id: 7 },
  changes: new Map([
    ['user.age.embedding', { rows: Int32Array.of(0, 3), values: tensor('float32', [2, 2], [1, 2, 3, -0]) }],
    ['a/b', { rows: null, values: tensor('float32', [3], [1e-38, 2, 3]) }],
    ['none', { rows: null, values: tensor('float32', [], [7]) }],
  ]),
};

describe('encodeCustomised', () => {
  it('writes bytes that decodeCustomised reads back equal', () => {
    expect(decodeCustomised(encodeCustomised(CUSTOMISED), 'a file')).toEqual(CUSTOMISED);
    const nothing = { ...CUSTOMISED, features: {}, leftOut: null, changes: new Map() };
    expect(decodeCustomised(encodeCustomised(nothing), 'a file')).toEqual(nothing);
  });

  it('depends on the features, not on their order, and stores only changes', () => {
    const { features } = CUSTOMISED;
    const reversed = Object.fromEntries(Object.entries(features).reverse());
    const bytes = encodeCustomised(CUSTOMISED);
    expect(encodeCustomised({ ...CUSTOMISED, features: reversed })).toEqual(bytes);
    const [header] = Buffer.from(bytes).toString('latin1').split('\n');
    expect(bytes.length - header!.length - 1).toBe(4 * (2 + 4 + 3 + 1));
    expect(JSON.parse(header!)).toMatchObject({ contract: 1, model_version: '0123456789ab' });
  });
});

describe('decodeCustomised', () => {
  it('refuses a file that is truncated or altered anywhere', () => {
    const bytes = encodeCustomised(CUSTOMISED);
    for (let at = 0; at < bytes.length; at += 5) {
      const flipped = bytes.slice();
      flipped[at]! ^= 1;
      for (const wrong of [bytes.subarray(0, at), flipped, Buffer.concat([bytes, Buffer.alloc(at + 1)])]) {
        expect(() => decodeCustomised(wrong, 'a file'), `at ${at}`).toThrow(
          expect.objectContaining({ code: 'storage_failed', message: expect.stringContaining('truncated or altered') }),
        );
      }
    }
  });
});

describe('customisedOnnx', () => {
  it('is the general model with changed parameters: scores, inputs, the manifest in its metadata', async () => {
    const path = join(freshFolder(), 'model');
    await writeTinyModel(path);
    const general = readModelFolder(path);
    const graph = readModel(general.read('model.onnx'));
    const adapted = tinyGraph(TINY, 'adapted');
    const changes = changesOf(graph.initializers, adapted.initializers);
    const onnx = customisedOnnx(general, changes, { campaign_id: 'c1' });
    expect(customisedOnnx(general, changes, { campaign_id: 'c1' })).toEqual(onnx);
    expect(Buffer.from(onnx).includes('{"campaign_id":"c1"}')).toBe(true);
    const feeds = randomFeeds(TINY, 50, 'feeds');
    const session = await openSession(onnx);
    expect([session.inputs, session.outputs]).toEqual([graph.inputs, ['score']]);
    const { score } = await session.run(feeds);
    await session.close();
    const expected = await scoresOf(adapted, feeds);
    expect(score!.data).toEqual(expected);
    expect(await scoresOf(graph, feeds)).not.toEqual(expected);
  });

  it('refuses changes of another model', async () => {
    const path = join(freshFolder(), 'model');
    await writeTinyModel(path);
    expect(() => customisedOnnx(readModelFolder(path), CUSTOMISED.changes, {})).toThrow(
      expect.objectContaining({ code: 'storage_failed', message: expect.stringContaining('do not fit') }),
    );
  });
});
