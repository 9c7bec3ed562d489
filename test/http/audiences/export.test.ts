/** Exports of whole audiences: gzip, Parquet, and streams whose folder is deleted while they are open. */
import { readdirSync, readlinkSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { jsonLines } from '../../fixture/json-lines.ts';
import { importUsers, ODD_IDS, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';

const PARQUET = 'application/vnd.apache.parquet';
/** Far more than the buffers of two sockets hold, even with gzip: 40,000 distinct ids of about 250 bytes. */
const CROWD = [
  ...USER_IDS,
  ...Array.from(
    { length: 40_000 },
    (_, i) =>
      `${i} ${Array.from({ length: 30 }, (_, k) => (((i + 1) * (k + 7919) * 2654435761) >>> 0).toString(36)).join('')}`,
  ),
];

const population = await importUsers(CROWD);
const fixture = await openFixture(population, { parquetRowGroupRows: 7_000 });
await fixture.app.listen({ host: '127.0.0.1', port: 0 });
const port = (fixture.app.server.address() as AddressInfo).port;
const id = await fixture.createReady({ ...OK_BODY, audience: { percent: 100 } });
await fixture.store.update(id, { audience: { size: 300 } });

async function fetchRaw(path: string, headers: Record<string, string>) {
  const { statusCode, headers: answered, rawPayload } = await fixture.app.inject({ url: path, headers });
  return { status: statusCode, headers: answered, bytes: rawPayload };
}

describe('gzip', () => {
  it.each([
    ['application/x-ndjson', ''],
    ['text/csv', ''],
    ['application/json', '?limit=20'],
    ['application/json', '?limit=5000'],
  ])('returns the same %s%s', async (accept, query) => {
    const path = `/v1/campaigns/${id}/audience${query}`;
    const plain = await fetchRaw(path, { accept });
    const zipped = await fetchRaw(path, { accept, 'accept-encoding': 'br, gzip' });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.headers['content-type']).toBe(plain.headers['content-type']);
    expect(zipped.headers['x-next-cursor']).toBe(plain.headers['x-next-cursor']);
    expect(gunzipSync(zipped.bytes).equals(plain.bytes)).toBe(true);
    expect(zipped.bytes.length).toBeLessThan(plain.bytes.length);
    for (const { headers } of [plain, zipped]) expect(headers['vary']).toBe('accept, accept-encoding');
  });

  it('returns the same difference', async () => {
    const path = `/v1/campaigns/${id}/audiences/2/diff/1`;
    const plain = await fetchRaw(path, { accept: 'text/csv' });
    const zipped = await fetchRaw(path, { accept: 'text/csv', 'accept-encoding': 'gzip' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.bytes).equals(plain.bytes)).toBe(true);
    expect(plain.bytes.toString().trimEnd().split('\r\n')).toHaveLength(1 + CROWD.length - 20 - 300);
  });

  it('is not for Parquet, and only for who takes it', async () => {
    const path = `/v1/campaigns/${id}/audience?limit=5`;
    for (const [accept, coding] of [
      [PARQUET, 'gzip'],
      ['application/json', 'gzip;q=0.1, identity'],
      ['application/json', 'br'],
      ['text/csv', 'gzip;q=0'],
      ['text/csv', 'br'],
    ] as const) {
      const { headers, status } = await fetchRaw(path, { accept, 'accept-encoding': coding });
      expect([status, headers['content-encoding']]).toEqual([200, undefined]);
    }
  });
});

describe('the ETag of a page', () => {
  it.each([
    {},
    { 'accept-encoding': 'gzip' },
    { 'accept-encoding': 'gzip;q=0.5, identity;q=0.9' },
    { 'accept-encoding': 'gzip', 'x-no-compression': '1' },
  ])('says whether it is packed, to %j', async (given) => {
    for (const limit of [5, 5_000]) {
      const path = `/v1/campaigns/${id}/audiences/1?limit=${limit}`;
      const { headers, bytes } = await fetchRaw(path, given);
      const isPacked = String(headers['etag']).includes('-gzip');
      expect(headers['content-encoding']).toBe(isPacked ? 'gzip' : undefined);
      expect(JSON.parse((isPacked ? gunzipSync(bytes) : bytes).toString()).items).toHaveLength(limit);
      const again = await fetchRaw(path, { ...given, 'if-none-match': String(headers['etag']) });
      expect([again.status, again.bytes.length, again.headers['content-encoding']]).toEqual([304, 0, undefined]);
      expect(again.headers['etag']).toBe(headers['etag']);
    }
  });
});

describe('Parquet', () => {
  it('holds what NDJSON holds, in row groups', async () => {
    const path = `/v1/campaigns/${id}/audiences/1`;
    const { bytes, headers } = await fetchRaw(path, { accept: PARQUET });
    expect(headers['content-type']).toBe(PARQUET);
    const file = new Uint8Array(bytes).buffer;
    const { row_groups } = parquetMetadata(file);
    expect(row_groups.length).toBe(Math.ceil((CROWD.length - 20) / 7_000));
    const rows = await parquetReadObjects({ file });
    const text = (await fetchRaw(path, { accept: 'application/x-ndjson' })).bytes.toString();
    expect(rows).toHaveLength(CROWD.length - 20);
    // text has the decimal that is the float32 of the file
    const lines = jsonLines(text);
    const told = lines.map((line) => JSON.stringify({ ...line, score: Math.fround(line.score) }));
    expect(rows.map((row) => JSON.stringify(row)).join('\n')).toBe(told.join('\n'));
    expect(rows.slice(0, ODD_IDS.length).map(({ user_id }) => user_id)).toEqual(ODD_IDS);
  });

  it('returns pages when a limit is given, and an empty file of nobody', async () => {
    const ranks: number[] = [];
    for (let cursor: unknown; ; ) {
      const query: string = cursor === undefined ? '' : `&cursor=${cursor}`;
      const { bytes, headers } = await fetchRaw(`/v1/campaigns/${id}/audience?limit=130${query}`, { accept: PARQUET });
      const rows = await parquetReadObjects({ file: new Uint8Array(bytes).buffer });
      ranks.push(...rows.map(({ rank }) => rank));
      cursor = headers['x-next-cursor'];
      if (cursor === undefined) break;
    }
    expect(ranks).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    const none = await fetchRaw(`/v1/campaigns/${id}/audience?min_score=2`, { accept: PARQUET });
    expect(await parquetReadObjects({ file: new Uint8Array(none.bytes).buffer })).toEqual([]);
  });
});

describe('a stream whose folder is deleted', () => {
  /** Starts a request and reads only the head of its response. */
  const start = (path: string, headers: Record<string, string>) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request({ port, path, headers, agent: false }, (response) => resolve(response.pause()))
        .once('error', reject)
        .end();
    });
  const readAll = async (response: IncomingMessage): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  const openFiles = (folder: string) =>
    readdirSync('/proc/self/fd').filter((descriptor) => {
      try {
        return readlinkSync(`/proc/self/fd/${descriptor}`).includes(folder);
      } catch {
        return false; // the descriptor of this very listing
      }
    }).length;
  const gone = async (folder: string) => {
    for (let waited = 0; openFiles(folder) > 0 && waited < 5_000; waited += 20) await sleep(20);
    return openFiles(folder) === 0;
  };

  it.each<[string, string, Record<string, string>]>([
    ['NDJSON', 'audiences/1', { accept: 'application/x-ndjson' }],
    ['CSV with gzip', 'audiences/1', { accept: 'text/csv', 'accept-encoding': 'gzip' }],
    ['Parquet', 'audiences/1', { accept: PARQUET }],
    ['a difference', 'audiences/2/diff/1', { accept: 'text/csv' }],
  ])('ends well as %s, and then lets go of its files', async (_name, what, headers) => {
    const campaign = await fixture.createReady({ ...OK_BODY, audience: { percent: 100 } });
    await fixture.store.update(campaign, { audience: { size: 300 } });
    const path = `/v1/campaigns/${campaign}/${what}`;
    const expected = (await fetchRaw(path, headers)).bytes;
    const { folder } = await fixture.store.activeAudience(campaign);
    const response = await start(path, headers);
    await sleep(50);
    await fixture.store.delete(campaign);
    expect(await fixture.store.blobs.has(folder)).toBe(false);
    // two others make the cache evict it
    for (let i = 0; i < 2; i++) await fixture.call('GET', `/v1/campaigns/${await fixture.createReady()}/audience`);
    expect(openFiles(folder)).toBe(2);
    expect((await readAll(response)).equals(expected)).toBe(true);
    expect(await gone(folder)).toBe(true);
    expect((await fetchRaw(path, headers)).status).toBe(404);
  });

  it.each<[string, Record<string, string>]>([
    ['NDJSON', { accept: 'application/x-ndjson' }],
    ['CSV with gzip', { accept: 'text/csv', 'accept-encoding': 'gzip' }],
    ['Parquet', { accept: PARQUET }],
  ])('lets go of its files as %s when the client goes away', async (_name, headers) => {
    const campaign = await fixture.createReady({ ...OK_BODY, audience: { percent: 100 } });
    const { folder } = await fixture.store.activeAudience(campaign);
    const response = await start(`/v1/campaigns/${campaign}/audience`, headers);
    await sleep(50);
    for (let i = 0; i < 2; i++) await fixture.call('GET', `/v1/campaigns/${await fixture.createReady()}/audience`);
    expect(openFiles(folder)).toBe(2);
    response.destroy();
    expect(await gone(folder)).toBe(true);
    const { text } = await fixture.call('GET', '/metrics');
    expect(text).toMatch(/^metaheac_audience_streams 0$/m);
  });

  it.each<[string, string, Record<string, string>]>([
    ['NDJSON', 'audience', { accept: 'application/x-ndjson' }],
    ['CSV with gzip', 'audience', { accept: 'text/csv', 'accept-encoding': 'gzip' }],
    ['a difference', 'audiences/2/diff/1', { accept: 'text/csv' }],
  ])('lets go of its files as %s when the client goes away before they are open', async (_name, what, headers) => {
    const campaign = await fixture.createReady({ ...OK_BODY, audience: { percent: 100 } });
    await fixture.store.update(campaign, { audience: { size: 300 } });
    const { folder } = await fixture.store.activeAudience(campaign);
    const { blobs } = fixture.store;
    const { promise: passed, resolve: pass } = Promise.withResolvers<void>();
    const read = blobs.read.bind(blobs);
    let isAsked = false;
    Object.assign(blobs, {
      async read(of: string, file: string) {
        isAsked ||= of === folder;
        await passed;
        return read(of, file);
      },
    });
    const call = request({ port, path: `/v1/campaigns/${campaign}/${what}`, headers, agent: false }).end();
    call.once('error', () => {});
    await expect.poll(() => isAsked).toBe(true);
    call.destroy();
    await sleep(50);
    pass();
    Object.assign(blobs, { read });
    for (let i = 0; i < 2; i++) await fixture.call('GET', `/v1/campaigns/${await fixture.createReady()}/audience`);
    expect(await gone(folder)).toBe(true);
    const { text } = await fixture.call('GET', '/metrics');
    expect(text).toMatch(/^metaheac_audience_streams 0$/m);
  });
});
