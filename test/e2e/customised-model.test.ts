/**
 * The customised model as a file: downloaded from a real service, run by plain ONNX Runtime over the whole population.
 */

import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelProtoSchema } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { openRanking } from '../../src/audience/ranking.ts';
import type { Audience } from '../../src/domain/types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { readModelFolder } from '../../src/model/folder.ts';
import { bind } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import { openPopulation } from '../../src/population/read.ts';
import { FileBlobs } from '../../src/storage/files/blobs.ts';
import { openStore } from '../../src/storage/sqlite/open-store.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const folder = temporaryFolder();
const dataDir = join(folder, 'data');

const LIMITS = { minimumSeeds: 10, leaseMs: 15_000, maximumAttempts: 5 };

const serve = (model = world.model) => startReadyService({ dataDir, model, population: world.population });

async function createReady({ call, ended }: StartedService, of = world.campaigns[0]!): Promise<string> {
  const { id } = (await call('POST', '/v1/campaigns', { name: 'test', ...of, audience: { percent: 100 } })).json;
  expect((await ended(id)).state).toBe('ready');
  return id;
}

const getModel = ({ url }: StartedService, id: string, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/campaigns/${id}/model`, { headers });

/** As the service's own store has it. */
async function audienceOf(id: string): Promise<Audience> {
  const store = await openStore(dataDir, { clock: systemClock, ...LIMITS });
  try {
    return store.activeAudience(id);
  } finally {
    await store.close();
  }
}

/** By user number, of the whole population: what anybody would do with the file. */
async function scoreAll(onnx: Uint8Array): Promise<Float32Array> {
  const manifest = JSON.parse(metadataOf(onnx).get('metaheac.manifest')!);
  const session = await ort.InferenceSession.create(onnx);
  const population = openPopulation(world.population);
  const binding = bind(readModelFolder(world.model), population);
  const scores = new Float32Array(population.directory.size).fill(Number.NaN);
  for (let segment = 0; segment < population.segmentCount; segment++) {
    const rows = population.readSegment(segment);
    const feeds: Record<string, ort.Tensor> = {};
    for (const [name, { shape, data }] of Object.entries(encodeUsers(null, binding, rows)))
      feeds[name] = new ort.Tensor('int32', data as Int32Array, shape);
    for (const name of session.inputNames.filter((each) => each.startsWith('campaign.'))) {
      const { shape, data } = manifest.campaign_inputs[name];
      feeds[name] = new ort.Tensor('int32', Int32Array.from(data), shape);
    }
    const { score } = await session.run(feeds);
    rows.userNumbers.forEach((number, i) => {
      scores[number] = (score!.data as Float32Array)[i]!;
    });
  }
  await session.release();
  return scores;
}

function metadataOf(onnx: Uint8Array): Map<string, string> {
  return new Map(fromBinary(ModelProtoSchema, onnx).metadataProps.map(({ key, value }) => [key, value]));
}

let service: StartedService;
/** Of the first campaign. */
let id: string;
beforeAll(async () => {
  service = await serve();
  id = await createReady(service);
});
afterAll(async () => {
  await service.close();
});

describe('GET /v1/campaigns/{id}/model', () => {
  it('returns a file with which plain ONNX Runtime reproduces the scores and the order of the audience', async () => {
    const [campaign, another] = [world.campaigns[0]!, world.campaigns[1]!];
    const response = await getModel(service, id);
    expect(response.status).toBe(200);
    const onnx = new Uint8Array(await response.arrayBuffer());
    const { version } = readModelFolder(world.model).manifest;
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(onnx.length),
      'content-disposition': `attachment; filename="customised-${id}-v1.onnx"`,
      etag: `"1-${version}-onnx"`,
      'x-audience-version': '1',
      'x-model-version': version,
    });

    const ranking = await openRanking(new FileBlobs(dataDir), (await audienceOf(id)).folder);
    const { userNumbers, scores } = ranking.read(0, ranking.candidates);
    ranking.close();
    const actual = await scoreAll(onnx);
    const population = openPopulation(world.population);
    expect(userNumbers.length).toBe(population.rowCount - campaign.seeds.length);
    const differences = Array.from(userNumbers, (number, i) => Math.abs(actual[number]! - scores[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1e-6);
    const order = userNumbers.slice().sort((a, b) => actual[b]! - actual[a]! || a - b);
    const scoreOf = new Map(Array.from(userNumbers, (number, i) => [number, scores[i]!]));
    // At each rank another user only where the two tie.
    const moved = Array.from(order, (number, i) => Math.abs(scoreOf.get(number)! - scores[i]!));
    expect(Math.max(...moved)).toBeLessThanOrEqual(1e-6);
    expect(new Set(scores).size).toBeGreaterThan(1000);

    // It is this campaign's model: the general one, and another campaign's, order users otherwise.
    const other = await createReady(service, another);
    const otherOnnx = new Uint8Array(await (await getModel(service, other)).arrayBuffer());
    const otherScores = await scoreAll(otherOnnx);
    expect(Math.max(...Array.from(userNumbers, (n) => Math.abs(otherScores[n]! - actual[n]!)))).toBeGreaterThan(1e-3);

    // The same bytes again, and of an equal campaign all but its id.
    expect(new Uint8Array(await (await getModel(service, id)).arrayBuffer())).toEqual(onnx);
    const twin = await createReady(service, campaign);
    const twinOnnx = Buffer.from(await (await getModel(service, twin)).arrayBuffer()).toString('latin1');
    expect(twinOnnx.replaceAll(twin, id)).toBe(Buffer.from(onnx).toString('latin1'));
  });

  it('returns the manifest as JSON, equal to the manifest in the file', async () => {
    const response = await getModel(service, id, { accept: 'application/json' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    const manifest = await response.json();
    const general = readModelFolder(world.model);
    const { features } = world.campaigns[0]!;
    expect(manifest).toMatchObject({
      contract_version: 1,
      campaign_id: id,
      audience_version: 1,
      model_version: general.manifest.version,
      population_version: openPopulation(world.population).version,
      campaign_features: features,
      general_model: general.manifest,
    });
    for (const { name, kind } of general.manifest.features.campaign) {
      if (kind !== 'single') continue;
      const token = features[name] as string;
      expect((manifest as { campaign_inputs: object }).campaign_inputs).toHaveProperty([`campaign.${name}`], {
        shape: [1],
        data: [general.vocabularies.get(`campaign.${name}`)!.find(token)],
      });
    }
    const onnx = new Uint8Array(await (await getModel(service, id)).arrayBuffer());
    expect(JSON.parse(metadataOf(onnx).get('metaheac.manifest')!)).toEqual(manifest);
  });
});
