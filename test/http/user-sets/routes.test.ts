/** Seeds and suppression lists over HTTP: every format, the algebra of sets, match reports, and what is refused. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../src/http/config.ts';
import { FileBlobs } from '../../../src/storage/files/blobs.ts';
import { userSetBlocks } from '../../../src/storage/files/set-file.ts';
import { itUsual, size } from '../../fixture/size.ts';
import { type Answer, type Fixture, importUsers, ODD_IDS, OK_BODY, openFixture } from '../fixture.ts';

let fixture: Fixture;
let id: string;
const population = await importUsers();
/** The ids of a set. */
async function readUserSet(folder: string, name: string): Promise<string[]> {
  return [...(await userSetBlocks(new FileBlobs(folder), name))].flat();
}

async function open(config: Partial<ServerConfig> = {}): Promise<void> {
  fixture = await openFixture(population, config);
  id = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
}

async function reopen(config: Partial<ServerConfig>): Promise<void> {
  await fixture.close();
  await open(config);
}

const TEXT = { 'content-type': 'text/plain' };
const NDJSON = { 'content-type': 'application/x-ndjson' };
const CSV = { 'content-type': 'text/csv' };
const GZIP = { 'content-encoding': 'gzip' };

type Headers = Record<string, string>;
const send = (method: 'PUT' | 'POST', path: string, body: unknown, headers: Headers) =>
  fixture.call(method, path.replace('{id}', id), body, headers);
const put = (body: unknown, headers: Headers = TEXT) => send('PUT', '/v1/campaigns/{id}/seeds', body, headers);
const get = (path: string, headers: Headers = {}) => fixture.call('GET', path.replace('{id}', id), undefined, headers);

const files = () => readdirSync(join(fixture.dataDir, 'seeds')).sort();
/** The users of the only set that is no campaign's inline seeds. */
function newSet(before: readonly string[]): Promise<string[]> {
  const made = files().filter((name) => !before.includes(name));
  expect(made).toHaveLength(1);
  return readUserSet(fixture.dataDir, made[0]!.slice(0, -'.txt'.length));
}

const text = (ids: readonly string[]) => ids.map((userId) => `${userId}\n`).join('');
const strings = (ids: readonly string[]) => ids.map((userId) => `${JSON.stringify(userId)}\n`).join('');
const objects = (ids: readonly string[]) =>
  ids.map((user_id, rank) => `${JSON.stringify({ rank, user_id })}\r\n`).join('');
const csv = (ids: readonly string[]) =>
  `rank,user_id,"a ""note"""\r\n${ids.map((userId, i) => `${i},"${userId.replaceAll('"', '""')}",x\r\n`).join('')}`;

describe('an upload of seeds', () => {
  beforeEach(() => open());

  const plain = ['person-3', 'person-1', 'nobody', 'é😀', 'person-1', ' spaced ', '"quoted"'];
  const set = [...new Set(plain)].sort();

  itUsual.each([
    ['text', TEXT, text(plain)],
    ['text with CRLF, a byte order mark, empty lines and no last end', TEXT, `\ufeff${plain.join('\r\n\r\n')}`],
    ['NDJSON of texts', NDJSON, strings(plain)],
    ['NDJSON of objects', NDJSON, objects(plain)],
    ['CSV', CSV, csv(plain)],
    [
      'CSV with a byte order mark and empty lines',
      { 'content-type': 'text/csv; charset=utf-8' },
      `\ufeff${csv(plain).replaceAll('\r\n', '\n\n')}`,
    ],
  ])('is taken as %s, plain and as gzip', async (_name, headers, body) => {
    for (const [payload, encoding] of [
      [Buffer.from(body), {}],
      [gzipSync(body), GZIP],
    ] as const) {
      const before = files();
      const answer = await put(payload, { ...headers, ...encoding });
      expect(answer.status).toBe(200);
      expect(answer.json).toMatchObject({ users: 6, received: 7, known: 2, unknown: 4, duplicate: 1, suppressed: 0 });
      expect(await newSet(before)).toEqual(set);
      await send('PUT', '/v1/campaigns/{id}/seeds', 'other', TEXT);
    }
  });

  itUsual('is taken as JSON', async () => {
    const answer = await put({ user_ids: plain }, {});
    expect(answer.json).toMatchObject({ users: 6, received: 7, known: 2, unknown: 4, duplicate: 1 });
  });

  itUsual.each([
    ['NDJSON', NDJSON, strings],
    ['CSV', CSV, csv],
  ])('holds ids with commas, quotes and line breaks as %s', async (_name, headers, format) => {
    const odd = [...ODD_IDS, 'a\r\nb', '\n'];
    const before = files();
    expect((await put(format(odd), headers)).json).toMatchObject({ known: ODD_IDS.length, unknown: 2 });
    expect(await newSet(before)).toEqual([...odd].sort());
  });

  itUsual('makes the same set as inline seeds', async () => {
    expect((await put(text([...OK_BODY.seeds].reverse()))).json.users).toBe(OK_BODY.seeds.length);
    expect(new Set(files().map((file) => file.slice(0, 64))).size).toBe(1);
  });

  itUsual('changes what the next expansion takes, and nothing that was made', async () => {
    await fixture.finishNext();
    const wakes = fixture.wakes();
    await put('person-7\n');
    const campaign = (await get('/v1/campaigns/{id}')).json;
    expect(campaign).toMatchObject({ state: 'ready', seeds: { received: 1, known: 1 } });
    expect(fixture.wakes()).toBe(wakes);
    const [made] = (await fixture.store.expansionsOf(id, { limit: 1 })).items;
    expect(made?.seeds.known).toBe(OK_BODY.seeds.length);
    expect((await fixture.store.expand(id)).seeds.known).toBe(1);
  });

  itUsual('makes a campaign without seeds one that can be expanded', async () => {
    id = (await fixture.call('POST', '/v1/campaigns', { ...OK_BODY, seeds: null })).json.id;
    const expand = () => fixture.call('POST', `/v1/campaigns/${id}/expansions`);
    expect((await expand()).json.code).toBe('no_seeds');
    await put(text(OK_BODY.seeds));
    await send('PUT', '/v1/suppression', 'person-30\nperson-31\n', TEXT);
    const { status, json } = await expand();
    expect([status, json.seeds.known]).toEqual([202, 20]);
    const job = [await fixture.store.claim('1:test'), await fixture.store.claim('1:test')].find(
      (each) => each?.campaignId === id,
    );
    const users = [...(await fixture.store.setBlocks(job!.sets.commonSuppression!))].flat();
    expect(users).toEqual(['person-30', 'person-31']);
  });
});

/** The problem that is answered; nothing has changed. */
async function expectRefused(answer: Promise<Answer>, status: number, code: string) {
  const before = files();
  const report = (await get('/v1/campaigns/{id}/seeds')).json;
  const { json, status: got } = await answer;
  expect([got, json.code]).toEqual([status, code]);
  expect(files()).toEqual(before);
  expect((await get('/v1/campaigns/{id}/seeds')).json).toEqual(report);
  return json;
}

describe('a wrong upload', () => {
  beforeAll(() => open());

  const long = 'x'.repeat(257);

  itUsual.each([
    ['text', TEXT, `a\n\n${long}\nb\n`, 'line 3', 'at most 256 bytes'],
    ['text', TEXT, Buffer.from('a\nb\n\xff\n', 'latin1'), 'line 3', 'UTF-8'],
    ['text', TEXT, `a\n${'x'.repeat(100_000)}\n`, 'line 2', 'at most'],
    ['NDJSON', NDJSON, '"a"\n\n{"user_id":7}\n', 'line 3', 'must be a string'],
    ['NDJSON', NDJSON, '"a"\nb\n', 'line 2', 'not JSON'],
    ['NDJSON', NDJSON, '"a"\n"\\ud800"\n', 'line 2', 'surrogate'],
    ['CSV', CSV, 'id\na\n', 'line 1', 'user_id'],
    ['CSV', CSV, `user_id,a\nu1,1\n"u1,1\n${'u2,1\n'.repeat(20_000)}`, 'line 3', 'closing quote'],
  ])('of %s names the line (%#)', async (_name, headers, body, pointer, message) => {
    const { errors, detail } = await expectRefused(put(body, headers), 400, 'invalid_request');
    expect(errors[0]).toMatchObject({ pointer, message: expect.stringContaining(message) });
    expect(detail).toContain(pointer);
    await expectRefused(put(gzipSync(body), { ...headers, ...GZIP }), 400, 'invalid_request');
  });

  itUsual('is read up to 20 errors, each with line, value and limit', async () => {
    const { errors } = await expectRefused(put(text(Array(5_000).fill(long))), 400, 'invalid_request');
    expect(errors).toHaveLength(20);
    expect(errors[19]).toMatchObject({ pointer: 'line 20', value: `${'x'.repeat(80)}…`, limit: 256 });
    const few = await expectRefused(put(`a\n${long}\nb\n${long}\n`), 400, 'invalid_request');
    expect(few.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual(['line 2', 'line 4']);
  });

  itUsual('is refused without an id: nobody means to empty a list by an empty file', async () => {
    await expectRefused(put('\n\r\n'), 400, 'invalid_request');
    await expectRefused(put('', TEXT), 400, 'invalid_request');
    await expectRefused(put('user_id\n', CSV), 400, 'invalid_request');
    await expectRefused(put(undefined, {}), 400, 'invalid_request');
    await expectRefused(put({ user_ids: [] }, {}), 400, 'invalid_request');
  });

  itUsual('is refused when its type or encoding is another', async () => {
    const type = await expectRefused(put('a', { 'content-type': 'text/html' }), 415, 'unsupported_media_type');
    expect(type.detail).toContain('text/csv');
    await expectRefused(put('a', { ...TEXT, 'content-encoding': 'br' }), 415, 'unsupported_media_type');
    await expectRefused(put('a', { 'content-type': 'text/plain; charset=latin1' }), 415, 'unsupported_media_type');
    const json = gzipSync('{"user_ids":["a"]}');
    await expectRefused(put(json, { 'content-type': 'application/json', ...GZIP }), 415, 'unsupported_media_type');
  });

  itUsual('is refused when it is not gzip, or not all of it', async () => {
    await expectRefused(put('a\n', { ...TEXT, ...GZIP }), 400, 'invalid_request');
    const whole = gzipSync(text(Array.from({ length: 1_000 }, (_, i) => `u${i}`)));
    await expectRefused(put(whole.subarray(0, whole.length - 9), { ...TEXT, ...GZIP }), 400, 'invalid_request');
  });

  itUsual('is refused as JSON of another shape', async () => {
    const { errors } = await expectRefused(put({ user_ids: ['a', 7], more: 1 }, {}), 400, 'invalid_request');
    expect(errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual(['/more', '/user_ids/1']);
  });
});

describe('an upload over a limit', () => {
  beforeEach(() => open());

  itUsual('is refused over the limit of ids, also when a set would grow over it', async () => {
    await reopen({ maximumUploadIds: 30, maximumInlineSeeds: 25 });
    const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `u${from + i}`);
    const { errors } = await expectRefused(put(text(ids(31))), 413, 'too_many_seeds');
    expect(errors[0].limit).toBe(30);
    expect((await put(text(ids(30)))).status).toBe(200);
    await expectRefused(send('POST', '/v1/campaigns/{id}/seeds/add', 'u30', TEXT), 413, 'too_many_seeds');
    await expectRefused(put({ user_ids: ids(26) }, {}), 413, 'too_many_seeds');
  });
});

describe('add, remove and replace', () => {
  beforeEach(() => open());

  it('are those of sets, and the counts add up', async () => {
    const some = fc.array(fc.constantFrom(...Array.from({ length: 30 }, (_, i) => `person-${290 + i}`)), {
      minLength: 1,
    });
    const command = fc.record({ how: fc.constantFrom('replace', 'add', 'remove'), ids: some });
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 8 }), async (commands) => {
        await fixture.call('DELETE', '/v1/suppression');
        let model = new Set<string>();
        for (const { how, ids } of commands) {
          const answer =
            how === 'replace'
              ? await fixture.call('PUT', '/v1/suppression', text(ids), TEXT)
              : await fixture.call('POST', `/v1/suppression/${how}`, text(ids), TEXT);
          expect(answer.status).toBe(200);
          if (how === 'replace') model = new Set(ids);
          for (const userId of ids) how === 'remove' ? model.delete(userId) : model.add(userId);
          const known = [...model].filter((userId) => Number(userId.slice('person-'.length)) < 294).length;
          const { json } = answer;
          expect(json).toMatchObject({ users: model.size, known, unknown: model.size - known });
          expect(json.received).toBe(json.users + json.duplicate);
          const { sent, ...report } = json;
          expect(sent.received).toBe(ids.length);
          expect(sent.known + sent.unknown).toBe(new Set(ids).size);
          expect((await fixture.call('GET', '/v1/suppression')).json).toEqual(report);
        }
        const unknown = await fixture.call('GET', '/v1/suppression/unknown', undefined, { accept: 'text/plain' });
        expect(unknown.text).toBe(text([...model].filter((userId) => userId >= 'person-294').sort()));
        // the set itself, and those of the inline seeds
        expect(files()).toHaveLength(2);
      }),
      { numRuns: size(8, 25) },
    );
  });
});

describe('a match report', () => {
  beforeEach(() => open());

  itUsual('counts known seeds that either suppression list has', async () => {
    await put(text(['person-1', 'person-2', 'person-3', 'person-4', 'nobody', 'nothing']));
    const suppressed = async () => (await get('/v1/campaigns/{id}/seeds')).json.suppressed;
    expect(await suppressed()).toBe(0);
    const own = await send('PUT', '/v1/campaigns/{id}/suppression', text(['person-1', 'person-2', 'nobody']), TEXT);
    expect(own.json).toMatchObject({ users: 3, known: 2, unknown: 1 });
    expect(own.json).not.toHaveProperty('suppressed');
    expect(await suppressed()).toBe(2);
    await send('PUT', '/v1/suppression', text(['person-2', 'person-3', 'person-9']), TEXT);
    expect(await suppressed()).toBe(3);
    await fixture.call('DELETE', `/v1/campaigns/${id}/suppression`);
    expect(await suppressed()).toBe(2);
    const again = await send('POST', '/v1/campaigns/{id}/seeds/add', 'person-9\n', TEXT);
    expect(again.json).toMatchObject({ suppressed: 3, known: 5 });
  });

  itUsual('of inline seeds is that of the campaign, with its times', async () => {
    const { json } = await get('/v1/campaigns/{id}/seeds');
    expect(json).toMatchObject({ users: 20, known: 20, unknown: 0, population_version: population.version });
    expect(json.created_at).toBe((await get('/v1/campaigns/{id}')).json.created_at);
    const changed = (await put('a\n')).json;
    expect(changed.created_at).toBe(json.created_at);
    expect(changed.updated_at >= json.updated_at).toBe(true);
  });

  itUsual('is empty when there is no set, and after it was taken away', async () => {
    const empty = { users: 0, received: 0, known: 0, unknown: 0, duplicate: 0, created_at: null, updated_at: null };
    expect((await get('/v1/suppression')).json).toMatchObject(empty);
    expect((await get('/v1/campaigns/{id}/suppression/unknown')).text).toBe('');
    expect((await fixture.call('DELETE', `/v1/campaigns/${id}/seeds`)).status).toBe(204);
    expect((await fixture.call('DELETE', `/v1/campaigns/${id}/seeds`)).status).toBe(204);
    expect((await get('/v1/campaigns/{id}/seeds')).json).toMatchObject(empty);
    expect((await get('/v1/campaigns/{id}')).json.seeds).toMatchObject({ received: 0, known: 0 });
    await expect(fixture.store.expand(id)).rejects.toMatchObject({ code: 'no_seeds' });
  });

  itUsual('says storage_failed when the file is gone, before a byte is sent', async () => {
    await put('a\n');
    await fixture.close();
    await open();
    const [name] = files();
    rmSync(join(fixture.dataDir, 'seeds', name!));
    for (const path of ['', '/unknown']) {
      const { status, json } = await get(`/v1/campaigns/{id}/seeds${path}`);
      expect([status, json.code]).toEqual([503, 'storage_failed']);
    }
  });
});

describe('the unknown ids', () => {
  beforeEach(() => open());

  itUsual('come as NDJSON or text, sorted', async () => {
    await put(strings(['person-1', 'zoe', 'a\nb', 'é', 'ann,"x"']), NDJSON);
    const ndjson = await get('/v1/campaigns/{id}/seeds/unknown');
    expect(ndjson.type).toContain('application/x-ndjson');
    const lines = ndjson.text.split('\n').filter((line) => line !== '');
    expect(lines.map((line) => JSON.parse(line).user_id)).toEqual(['a\nb', 'ann,"x"', 'zoe', 'é']);
    const plain = await get('/v1/campaigns/{id}/seeds/unknown', { accept: 'text/plain' });
    expect(plain.text).toBe('ann,"x"\nzoe\né\n');
    expect((await get('/v1/campaigns/{id}/seeds/unknown', { accept: 'image/png' })).status).toBe(406);
  });
});
