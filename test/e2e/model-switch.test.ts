/** A running service takes another model: it is compared first, refusals change nothing, a kill leaves one of both. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFolder } from '../../src/model/folder.ts';
import { publishModel } from '../../src/model/promotion.ts';
import { readServedModels } from '../../src/model/versions.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { writeVariant } from '../fixture/model-variants.ts';
import { HAS_PROC, killDead } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { type StartedService, startReadyService, startService } from '../fixture/start-service.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const world = await tinyWorld();
const folder = temporaryFolder();
const dataDir = join(folder, 'data-dir');
const models = join(dataDir, 'models');
const first = readModelFolder(world.model).manifest.version;
const versions = { second: '', golden: '', foreign: '' };
let service: StartedService;

beforeAll(async () => {
  const path = (name: string) => join(folder, name);
  versions.second = writeVariant(world.model, path('second'), () => ({ name: 'second' }));
  versions.golden = writeVariant(world.model, path('golden'), ({ golden_batch }) => ({
    golden_batch: { ...golden_batch, scores: golden_batch.scores.map((score) => score / 2) },
  }));
  versions.foreign = writeVariant(world.model, path('foreign'), ({ features }) => ({
    features: { ...features, user: [...features.user, { name: 'shoe_size', kind: 'number', missing: 0 }] },
  }));
  for (const name of ['second', 'golden', 'foreign']) await publishModel(models, path(name));
  service = await start();
});
afterAll(async () => {
  await service.close();
});

const start = (model = world.model) => startReadyService({ dataDir, model, population: world.population });

const create = async (): Promise<string> => {
  const { features, seeds } = world.campaigns[0]!;
  return (await service.call('POST', '/v1/campaigns', { name: 'switched', features, seeds, audience: { percent: 10 } }))
    .json.id;
};
const served = async () => (await service.call('GET', '/v1/models/current')).json.version;

async function untilReady(id: string) {
  const campaign = await service.ended(id);
  expect([campaign.state, campaign.reason]).toEqual(['ready', null]);
  return campaign;
}

async function untilChecked(version: string) {
  for (;;) {
    const { json } = await service.call('GET', `/v1/models/${version}`);
    if (json.check?.state !== 'checking') return json;
    await sleep(50);
  }
}

describe('another model', { timeout: 180_000 }, () => {
  it('is refused if it does not exist or does not fit, and nothing changes', async () => {
    const unknown = await service.call('POST', '/v1/models/0123456789ab/activate');
    expect([unknown.status, unknown.json.code]).toEqual([404, 'model_not_found']);
    expect((await service.call('POST', '/v1/models/nonsense/activate')).status).toBe(400);
    const { status, json } = await service.call('POST', `/v1/models/${versions.foreign}/activate`);
    expect([status, json.code]).toEqual([409, 'model_rejected']);
    expect(json.detail).toMatch(/shoe_size/);
    expect(json).toMatchObject({ model_version: versions.foreign, served_model_version: first });
    expect([await served(), existsSync(join(models, 'served.json'))]).toEqual([first, false]);
  });

  it('is refused if it does not reproduce its golden batch, or is damaged', async () => {
    expect((await service.call('POST', `/v1/models/${versions.golden}/activate`)).status).toBe(202);
    const { check } = await untilChecked(versions.golden);
    expect(check).toMatchObject({ state: 'refused', reason: { code: 'model_rejected' }, comparisons: [] });
    expect(check.reason.message).toMatch(/golden batch is not reproduced/);
    expect(check.reason.message).not.toMatch(/\//);

    const file = join(models, versions.second, 'model.onnx');
    const bytes = readFileSync(file);
    const damaged = Uint8Array.from(bytes);
    damaged[damaged.length >> 1]! ^= 1;
    writeFileSync(file, damaged);
    expect((await service.call('POST', `/v1/models/${versions.second}/activate`)).status).toBe(202);
    expect((await untilChecked(versions.second)).check.reason.message).toMatch(/model\.onnx does not match/);
    writeFileSync(file, bytes);
    expect([await served(), existsSync(join(models, 'served.json'))]).toEqual([first, false]);
  });

  it('is compared on the newest campaigns, then served, while running expansions keep their model', async () => {
    const before = await create();
    const audience = await untilReady(before);
    expect(audience.model_version).toBe(first);
    const answer = await service.call('POST', `/v1/models/${versions.second}/activate`);
    expect([answer.status, answer.json.served]).toEqual([202, false]);
    const running = await create(); // pinned before or after the switch, and ready either way
    const { check, served: isServed } = await untilChecked(versions.second);
    expect(isServed).toBe(true);
    expect(check).toMatchObject({ state: 'served', kind: 'activation', from_version: first, reason: null });
    expect(check.comparisons[0]).toMatchObject({
      campaign_id: before,
      overlap: { '0.01': expect.any(Number), '0.05': expect.any(Number), '0.1': expect.any(Number) },
      served: { auc: expect.any(Number), recall_at_5_percent: expect.any(Number) },
      fresh: { auc: expect.any(Number), recall_at_5_percent: expect.any(Number) },
    });
    expect(check.comparisons[0].overlap['0.1']).toBeGreaterThan(0.2);
    expect([await served(), (await service.call('GET', '/readyz')).json.model_version]).toEqual([
      versions.second,
      versions.second,
    ]);
    expect([first, versions.second]).toContain((await untilReady(running)).model_version);
    const after = await create();
    expect((await untilReady(after)).model_version).toBe(versions.second);
    expect((await service.call('GET', '/v1/models')).json.items[0]).toMatchObject({
      version: versions.second,
      served: true,
    });

    for (const [id, version] of [
      [before, first],
      [after, versions.second],
    ] as const) {
      const response = await fetch(`${service.url}/v1/campaigns/${id}/model`);
      expect([response.status, response.headers.get('x-model-version')]).toEqual([200, version]);
      await response.arrayBuffer();
    }
  });

  it('stays after a restart, and can be rolled back once', async () => {
    await service.close();
    service = await start();
    expect(await served()).toBe(versions.second);
    expect((await service.call('GET', `/v1/models/${versions.second}`)).json.check.comparisons.length).toBeGreaterThan(
      0,
    );
    const { features, seeds } = world.campaigns[0]!;
    await expect
      .poll(async () => (await service.call('POST', '/v1/estimates', { features, seeds })).json, { timeout: 30_000 })
      .toMatchObject({ candidates: expect.any(Number) });
    const wrong = await service.call('POST', `/v1/models/${first}/rollback`);
    expect([wrong.status, wrong.json.code, wrong.json.served_model_version]).toEqual([
      409,
      'nothing_to_roll_back',
      versions.second,
    ]);
    const back = await service.call('POST', `/v1/models/${versions.second}/rollback`);
    expect([back.status, back.json.version]).toEqual([202, first]);
    expect(await untilChecked(first)).toMatchObject({ served: true, check: { kind: 'rollback', comparisons: [] } });
    expect(await served()).toBe(first);
    expect((await untilReady(await create())).model_version).toBe(first);
    expect((await service.call('POST', `/v1/models/${first}/rollback`)).json.code).toBe('nothing_to_roll_back');
  });

  it('is replaced by another --model at a start', async () => {
    expect((await service.call('POST', `/v1/models/${versions.second}/activate`)).status).toBe(202);
    expect((await untilChecked(versions.second)).served).toBe(true);
    await service.close();
    const third = join(folder, 'third');
    const version = writeVariant(world.model, third, () => ({ name: 'third' }));
    // what is served is known before the engine is ready
    service = await startService({ dataDir, model: third, population: world.population });
    expect(await served()).toBe(version);
    await service.close();
    service = await startService({ dataDir, model: world.model, population: world.population });
    expect(await served()).toBe(first);
  });
});

describe.skipIf(!HAS_PROC)('a service that is killed with -9 while it takes another model', () => {
  it('serves either model after a restart, and can then switch', { timeout: 300_000 }, async () => {
    const killed = temporaryFolder();
    const options = { ...world, dataDir: killed };
    await publishModel(join(killed, 'models'), join(folder, 'second'));
    const random = Number.parseInt(createHash('sha256').update(killed).digest('hex').slice(0, 6), 16) / 0xffffff;
    let running = await Served.start(options);
    const id = await running.create(world.campaigns[0]!);
    await running.ended(id);
    for (const delayMs of [0, 400 * random, 1500 * random]) {
      expect((await running.call('POST', `/v1/models/${versions.second}/activate`)).status).toBe(202);
      const late = await running.create(world.campaigns[0]!);
      await sleep(delayMs);
      const { api } = running;
      killDead(api);
      running.killGroup();
      running = await Served.start(options);
      const { model_version: version } = (await running.call('GET', '/readyz')).json;
      const fact = readServedModels(join(killed, 'models'))?.history.at(-1)?.version ?? first;
      expect(`${version} after ${delayMs} ms`).toBe(`${fact} after ${delayMs} ms`);
      expect([first, versions.second]).toContain(version);
      expect((await running.ended(late)).state).toBe('ready');
    }
    await running.call('POST', `/v1/models/${versions.second}/activate`);
    await running.until(
      async () => (await running.call('GET', '/readyz')).json.model_version === versions.second,
      'serves it',
    );
    expect(await running.ended(await running.create(world.campaigns[0]!))).toMatchObject({ state: 'ready' });
  });
});
