/**
 * A campaign that the model was trained on is expanded again, named by its external id: its own token is left out of
 * every user when they are scored.
 */

import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { ModelProtoSchema } from '../../packages/onnx-grad/src/onnx/generated/onnx_pb.ts';
import { openRanking } from '../../src/audience/ranking.ts';
import { openDataSet } from '../../src/dataset/data-set.ts';
import { generateDataSet } from '../../src/dataset/synthetic/synthetic.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { featureOf } from '../../src/model/manifest.ts';
import { bind } from '../../src/online/binding.ts';
import { encodeUsers } from '../../src/online/encode.ts';
import type { OwnToken } from '../../src/online/own-token.ts';
import { importPopulation } from '../../src/population/import.ts';
import {
  derivedFeatures,
  openPopulation,
  PAST_CAMPAIGNS,
  type Population,
  readPastCampaigns,
} from '../../src/population/read.ts';
import { openStore } from '../../src/storage/sqlite/adapter.ts';
import { prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';
import { train } from '../../src/training/train.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { type StartedService, startReadyService } from '../fixture/start-service.ts';

/** Of the history: its members are the seeds here, so that its token tells seeds from others at one glance. */
const CAMPAIGN = 'campaign-002';

const folder = temporaryFolder();
const [data, modelFolder, populationFolder, dataDir] = ['data', 'model', 'population', 'data-dir'].map((name) =>
  join(folder, name),
) as [string, string, string, string];
const LIMITS = { minimumSeeds: 10, leaseMs: 15_000, maximumAttempts: 5 };

let model: GeneralModel;
let population: Population;
let seeds: readonly string[];
let service: StartedService;

beforeAll(async () => {
  await generateDataSet({
    out: data,
    users: 1000,
    trainCampaigns: 6,
    testCampaigns: 0,
    seed: '1',
    audienceShare: 0.2,
    trainMembers: 200,
  });
  const prepared = await prepareDataSet(data, { pastCampaigns: true });
  const tiny = { taskCount: 2, experts: 2, critics: 2, embedding: 4, steps: 2, validationShare: 0 };
  const signal = new AbortController().signal;
  await train(prepared, {
    out: modelFolder,
    settings: { ...DEFAULT_TRAIN_SETTINGS, ...tiny },
    device: CPU,
    clock: systemClock,
    resume: false,
    signal,
  });
  prepared.close();
  model = await loadModel(modelFolder);
  const features = model.manifest.features.user.map(featureOf);
  const derived = await derivedFeatures(openDataSet(data), features);
  await importPopulation({ source: data, features, derived, out: populationFolder });
  population = openPopulation(populationFolder);
  const past = await readPastCampaigns(openDataSet(data));
  seeds = [...past].filter(([, campaigns]) => campaigns.includes(CAMPAIGN)).map(([user]) => user);
  seeds = seeds.slice(0, 60);
  service = await serve();
});
afterAll(async () => {
  await service.close();
});

const serve = () => startReadyService({ dataDir, model: modelFolder, population: populationFolder });

const post = (external_id?: string) =>
  fetch(`${service.url}/v1/campaigns`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ external_id, name: 'again', seeds, audience: { percent: 100 } }),
  });

interface Answer {
  readonly state: string;
  readonly external_id: string | null;
  readonly quality: { readonly prediction: unknown } | null;
}

/** The id of a campaign that is ready, and the scores of its candidates by user number. */
async function expand(externalId?: string): Promise<{ id: string; scores: Float32Array; prediction: unknown }> {
  const { id } = (await (await post(externalId)).json()) as { id: string };
  const campaign: Answer = await service.ended(id);
  expect([campaign.state, campaign.external_id]).toEqual(['ready', externalId ?? null]);
  return { id, scores: await scoresOf(id), prediction: campaign.quality!.prediction };
}

async function scoresOf(id: string): Promise<Float32Array> {
  const store = await openStore(dataDir, { clock: systemClock, ...LIMITS });
  const ranking = await openRanking(store.blobs, (await store.activeAudience(id)).folder);
  await store.close();
  const scores = Float32Array.from({ length: population.directory.size }, (_, number) => ranking.scoreOf(number));
  ranking.close();
  return scores;
}

const furthest = (a: Float32Array, b: Float32Array) =>
  Math.max(...Array.from(a, (x, i) => (Number.isNaN(x) ? 0 : Math.abs(x - b[i]!))));

describe('the external id of a campaign that the model was trained on', () => {
  let again: Awaited<ReturnType<typeof expand>>;
  let plain: Awaited<ReturnType<typeof expand>>;
  beforeAll(async () => {
    again = await expand(CAMPAIGN);
    plain = await expand();
  });

  it('changes nothing if the model does not know it', async () => {
    const unknown = await expand('campaign-099');
    expect(unknown.scores).toEqual(plain.scores);
    expect(unknown.prediction).toEqual(plain.prediction);
  });

  it('is in the manifest of the customised model, which gives the same scores without the token in plain ONNX Runtime', async () => {
    const download = async (id: string) => {
      const response = await fetch(`${service.url}/v1/campaigns/${id}/model`);
      const onnx = new Uint8Array(await response.arrayBuffer());
      const { metadataProps } = fromBinary(ModelProtoSchema, onnx);
      return { onnx, manifest: JSON.parse(metadataProps.find(({ key }) => key === 'metaheac.manifest')!.value) };
    };
    const { onnx, manifest } = await download(again.id);
    expect(manifest.left_out).toEqual({
      input: 'user.past_campaigns',
      token: CAMPAIGN,
      id: model.folder.vocabularies.get(`user.${PAST_CAMPAIGNS}`)!.find(CAMPAIGN),
    });
    const session = await ort.InferenceSession.create(onnx);
    const rows = population.readSegment(0);
    const binding = bind(model.folder, population);
    const run = async (without: OwnToken | null) => {
      const feeds: Record<string, ort.Tensor> = {};
      for (const [name, { shape, data: ids }] of Object.entries(encodeUsers(null, binding, rows, { without })))
        feeds[name] = new ort.Tensor('int32', ids as Int32Array, shape);
      for (const name of session.inputNames.filter((each) => each.startsWith('campaign.'))) {
        const { shape, data: ids } = manifest.campaign_inputs[name];
        feeds[name] = new ort.Tensor('int32', Int32Array.from(ids), shape);
      }
      const { score } = await session.run(feeds);
      const scores = new Float32Array(population.directory.size);
      rows.userNumbers.forEach((number, i) => {
        scores[number] = (score!.data as Float32Array)[i]!;
      });
      return scores;
    };
    const { input, id } = manifest.left_out;
    expect(furthest(again.scores, await run({ feature: input.slice('user.'.length), id }))).toBeLessThanOrEqual(1e-6);
    expect(furthest(again.scores, await run(null))).toBeGreaterThan(1e-3);
    await session.release();
    expect((await download(plain.id)).manifest.left_out).toBeNull();
  });
});
