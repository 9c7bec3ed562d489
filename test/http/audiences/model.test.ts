/** The route of a customised model, on a real port: responses, refusals, and slow clients. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { CustomisedModels } from '../../../src/service/ports/audiences.ts';
import { type Fixture, importUsers, openFixture } from '../fixture.ts';
import { listen, openPaused } from '../sockets.ts';

const population = await importUsers();
let fixture: Fixture;

/** More than the buffers of both ends of a connection on this machine hold. */
const LARGE = Buffer.alloc(64 << 20, 'onnx');
const SMALL = Buffer.from('a small model');

async function open(config: Partial<ServerConfig> = {}, onnx: Buffer = SMALL): Promise<string> {
  fixture = await openFixture(population, config);
  setModels({ onnx: async () => Uint8Array.from(onnx) });
  return fixture.createReady();
}

function setModels(change: Partial<CustomisedModels>): void {
  fixture.answers.models = {
    manifest: async ({ campaignId, version }) => ({
      contract_version: 1,
      campaign_id: campaignId,
      audience_version: version,
      model_version: 'model-1',
      population_version: population.version,
      campaign_features: { category: 'shoes' },
      campaign_inputs: { 'campaign.category': { shape: [1], data: [1] } },
      left_out: { input: 'user.past_campaigns', token: 'c1', id: 7 },
      general_model: { name: 'a model' },
    }),
    onnx: async () => new Uint8Array(),
    ...change,
  };
}

const get = (id: string, headers?: Record<string, string>) =>
  fixture.call('GET', `/v1/campaigns/${id}/model`, undefined, headers);

/** Asks for the model and reads nothing of it. */
const stall = async (id: string) =>
  openPaused(await listen(fixture), `/v1/campaigns/${id}/model`, 'connection: close\r\n');

const refusal = (answer: { status: number; json: { code?: string } | undefined }) => [answer.status, answer.json?.code];
const isRefused = async (id: string) => (await get(id, { accept: 'application/json' })).status === 503;

describe('GET /v1/campaigns/{id}/model', () => {
  it('sends the file with its name, length and versions', async () => {
    const id = await open({ modelChunkBytes: 4 });
    const answer = await get(id);
    expect([answer.status, answer.text]).toEqual([200, 'a small model']);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '13',
      'content-disposition': `attachment; filename="customised-${id}-v1.onnx"`,
      vary: 'accept',
      etag: '"1-model-1-onnx"',
      'x-audience-version': '1',
      'x-model-version': 'model-1',
      link: `</v1/campaigns/${id}/model>; rel="describedby"; type="application/json"`,
    });
  });

  it('returns the manifest as JSON, under an ETag of its own, and refuses other types', async () => {
    const id = await open();
    const answer = await get(id, { accept: 'application/json' });
    expect([answer.status, answer.headers['etag']]).toEqual([200, '"1-model-1-json"']);
    expect(answer.json).toMatchObject({ campaign_id: id, audience_version: 1, general_model: { name: 'a model' } });
    expect(refusal(await get(id, { accept: 'text/csv' }))).toEqual([406, 'not_acceptable']);
  });

  it.each(['W/"1-model-1-onnx"', '*'])('answers 304 to If-None-Match %s and makes nothing', async (tag) => {
    const id = await open();
    setModels({ onnx: async () => Promise.reject(new Error('made')) });
    const answer = await get(id, { 'if-none-match': tag });
    expect([answer.status, answer.text, answer.headers['etag']]).toEqual([304, '', '"1-model-1-onnx"']);
  });

  it.each(['"1-model-1-json"', '"1-model-2-onnx"', '1-model-1-onnx', ''])(
    'sends the file to If-None-Match %j',
    async (tag) => {
      expect((await get(await open(), { 'if-none-match': tag })).status).toBe(200);
    },
  );

  it('refuses campaigns that are not there or not ready', async () => {
    await open();
    expect(refusal(await get('nobody'))).toEqual([404, 'campaign_not_found']);
    const queued = await fixture.call('POST', '/v1/campaigns', {
      name: 'queued',
      seeds: Array.from({ length: 10 }, (_, i) => `person-${i}`),
      audience: { size: 1 },
    });
    const answer = await get(queued.json.id);
    expect([...refusal(answer), answer.json.state]).toEqual([409, 'audience_not_ready', 'queued']);
    expect(answer.headers['retry-after']).toBe('2');
  });

  it('says what the model lacks, without headers of a model, and is free again', async () => {
    const id = await open();
    for (const [code, status] of [
      ['model_not_stored', 404],
      ['model_unavailable', 409],
      ['storage_failed', 503],
    ] as const) {
      const refuse = async () => Promise.reject(new AppError(code, 'refused', { facts: { model_version: 'model-0' } }));
      setModels({ manifest: refuse, onnx: refuse });
      for (const accept of ['*/*', 'application/json']) {
        const answer = await get(id, { accept });
        expect(refusal(answer)).toEqual([status, code]);
        expect(answer.headers).not.toHaveProperty('etag');
        expect(answer.json.model_version).toBe(code === 'storage_failed' ? undefined : 'model-0');
      }
    }
    setModels({});
    expect((await get(id)).status).toBe(200);
  });

  it('makes or sends one at a time, and says when to come again', async () => {
    const id = await open();
    let finish: (bytes: Uint8Array) => void = () => {};
    setModels({ onnx: () => new Promise((resolve) => (finish = resolve)) });
    const first = get(id);
    await expect.poll(() => isRefused(id)).toBe(true);
    const second = await get(id);
    expect([...refusal(second), second.headers['retry-after']]).toEqual([503, 'unavailable', '5']);
    finish(Uint8Array.from(SMALL));
    expect((await first).status).toBe(200);
    expect(await isRefused(id)).toBe(false);
  });

  it('waits for a client that does not read, and is free again when the client goes away', async () => {
    const id = await open({}, LARGE);
    const socket = await stall(id);
    await expect.poll(() => isRefused(id)).toBe(true);
    await sleep(200);
    expect(await isRefused(id)).toBe(true);
    socket.destroy();
    await expect.poll(() => isRefused(id)).toBe(false);
    expect(fixture.log()).toContain('the client disconnected');
  });

  it('cuts off a client that does not take a chunk in its time', async () => {
    const id = await open({ modelChunkMs: 300 }, LARGE);
    const socket = await stall(id);
    await expect.poll(() => isRefused(id)).toBe(true);
    await expect.poll(() => isRefused(id), { timeout: 10_000 }).toBe(false);
    expect(fixture.log()).toContain('the client was too slow');
    let received = 0;
    socket.on('data', (data: Buffer) => (received += data.length)).resume();
    await once(socket, 'close');
    expect(received).toBeLessThan(LARGE.length);
  });

  it('sends every byte to a client that is slow but takes its chunks', async () => {
    const id = await open({ modelChunkMs: 2_000 }, LARGE);
    const socket = await stall(id);
    await sleep(500);
    const chunks: Buffer[] = [];
    socket.on('data', (data: Buffer) => chunks.push(data)).resume();
    await once(socket, 'close');
    const bytes = Buffer.concat(chunks);
    expect(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4).equals(LARGE)).toBe(true);
  });

  it('is free again when the client went away while the model was made', async () => {
    const id = await open();
    let finish: (bytes: Uint8Array) => void = () => {};
    setModels({ onnx: () => new Promise((resolve) => (finish = resolve)) });
    const socket = await stall(id);
    await expect.poll(() => isRefused(id)).toBe(true);
    socket.destroy();
    await sleep(100);
    expect(await isRefused(id)).toBe(true); // it is still being made
    finish(Uint8Array.from(SMALL));
    await expect.poll(() => isRefused(id)).toBe(false);
  });
});
