/** Uploads of which too little matches: minimum share, dry runs and hints. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, importUsers, OK_BODY, openFixture } from '../fixture.ts';

let fixture: Fixture;
let id: string;
const population = await importUsers();
async function open(): Promise<void> {
  fixture = await openFixture(population);
  id = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
}

const people = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `person-${from + i}`);
const text = (ids: readonly string[]) => ids.map((userId) => `${userId}\n`).join('');
const send = (method: 'PUT' | 'POST', path: string, body: string | Buffer, type = 'text/plain') =>
  fixture.call(method, path, body, { 'content-type': type });
const put = (body: string | Buffer, query = '', type = 'text/plain') =>
  send('PUT', `/v1/suppression${query}`, body, type);
const report = async (path = '/v1/suppression') => (await fixture.call('GET', path)).json;
const files = () => readdirSync(join(fixture.dataDir, 'seeds')).sort();

describe('min_known_percent', () => {
  beforeEach(open);

  const half = text([...people(0, 10), ...Array.from({ length: 10 }, (_, i) => `stranger-${i}`)]);

  it('refuses less, and changes nothing', async () => {
    await put(text(people(0, 5)));
    const before = [await report(), files()];
    const { status, json } = await put(half, '?min_known_percent=50.1');
    expect([status, json.code]).toEqual([400, 'too_few_known']);
    expect(json).toMatchObject({ known: 10, unknown: 10, known_percent: 50, min_known_percent: 50.1, hints: [] });
    expect(json.unknown_examples).toHaveLength(10);
    expect(json.errors).toEqual([expect.objectContaining({ pointer: 'min_known_percent', value: 50, limit: 50.1 })]);
    expect([await report(), files()]).toEqual(before);
  });

  it('accepts exactly that share, and a list without known users if no minimum is given', async () => {
    expect((await put(half, '?min_known_percent=50')).json).toMatchObject({ users: 20, known: 10 });
    expect((await put('nobody\n', '?min_known_percent=0')).json).toMatchObject({ users: 1, known: 0 });
    expect((await put('nobody\n')).status).toBe(200);
  });

  it('is never met by rounding', async () => {
    const nearly = text([...people(0, 280), 'nobody']);
    const { json } = await put(nearly, '?min_known_percent=99.7');
    expect(json).toMatchObject({ code: 'too_few_known', known_percent: 99.6 });
  });

  it.each(['add', 'remove'])('is of the ids that are sent, not of the set (%s)', async (how) => {
    await put(text(people(0, 100)));
    const path = `/v1/suppression/${how}?min_known_percent=50`;
    const refused = await send('POST', path, 'nobody\nno one\nperson-1\nnobody\n');
    expect(refused.json).toMatchObject({ code: 'too_few_known', known: 1, unknown: 2 });
    const { json } = await send('POST', path, 'nobody\nperson-1\nperson-1\n');
    expect(json.sent).toMatchObject({ received: 3, known: 1, unknown: 1, duplicate: 1, known_percent: 50 });
    expect(json.users).toBe(how === 'add' ? 101 : 99);
  });
});

describe('a dry run', () => {
  beforeEach(open);

  it.each([
    ['PUT', '/v1/campaigns/{id}/seeds'],
    ['POST', '/v1/campaigns/{id}/seeds/add'],
    ['POST', '/v1/campaigns/{id}/seeds/remove'],
    ['POST', '/v1/campaigns/{id}/negatives/add'],
    ['PUT', '/v1/suppression'],
    ['POST', '/v1/suppression/add'],
    ['POST', '/v1/suppression/remove'],
  ] as const)('of %s %s tells what the change then does, and changes nothing', async (method, route) => {
    const path = route.replace('{id}', id);
    const set = path.replace(/\/(add|remove)$/, '');
    await send('PUT', `/v1/campaigns/${id}/suppression`, text(people(5, 15)));
    await send('PUT', `/v1/campaigns/${id}/negatives`, text(people(10, 20)));
    const body = text([...people(8, 30), 'nobody', 'person-9']);
    const before = [await report(set), files()];
    const tried = await send(method, `${path}?dry_run=true`, body);
    expect(tried.status).toBe(200);
    expect([await report(set), files()]).toEqual(before);
    const { dry_run: isDryRun, created_at: _created, updated_at: updated, ...told } = tried.json;
    expect(isDryRun).toBe(true);
    expect(updated).toBe((before[0] as { updated_at: string }).updated_at);
    const { created_at: _, updated_at: __, ...done } = (await send(method, `${path}?dry_run=false`, body)).json;
    expect(done).toEqual(told);
  });

  it('is refused when the change would be', async () => {
    expect((await put('nobody\n', '?dry_run=true&min_known_percent=1')).json.code).toBe('too_few_known');
    expect((await put('\n', '?dry_run=true')).json.code).toBe('invalid_request');
    expect((await put('a\n', '?dry_run=yes')).json.errors[0].pointer).toBe('dry_run');
    const gone = await send('PUT', '/v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11/seeds?dry_run=true', 'a\n');
    expect(gone.json.code).toBe('campaign_not_found');
  });
});

describe('hints', () => {
  beforeAll(open);

  const three = people(0, 3);
  it.each([
    [
      'a CSV file sent as text',
      text(['rank,user_id', ...three.map((userId, i) => `${i},${userId}`)]),
      [
        ['columns', 3],
        ['header', 1],
      ],
    ],
    ['a CSV file with quotes', text(three.map((userId) => `"${userId}";"Ann"`)), [['columns', 3]]],
    ['no-break spaces', text(three.map((userId) => `\u00a0${userId}`)), [['spaces', 3]]],
    ['quotes', text(three.map((userId) => `"${userId}" `)), [['quotes', 3]]],
    ['JSON', text(three.map((userId) => JSON.stringify({ user_id: userId }))), [['json_lines', 3]]],
    ['ids that are known as they are', 'say "hi"\na,b\n', []],
  ] as const)('tell of %s', async (_name, body, found) => {
    const { status, json } = await put(body);
    expect(status).toBe(200);
    expect(json.sent.hints.map((hint: { found: string; users: number }) => [hint.found, hint.users])).toEqual(found);
    for (const { example, message } of json.sent.hints) {
      expect(json.sent.unknown_examples).toContain(example);
      expect(message).toMatch(/^th(is|ese) id/);
    }
  });

  it('tell of ids that were decoded as something else', async () => {
    const user_ids = three.map((userId) => [...userId].join('\0'));
    const { json } = await put(JSON.stringify({ user_ids }), '', 'application/json');
    expect(json.sent.hints).toMatchObject([{ found: 'utf16', users: 3 }]);
  });

  it('come with a refusal too', async () => {
    const { json } = await put(text(three.map((userId) => ` ${userId}`)), '?min_known_percent=90');
    expect(json).toMatchObject({ code: 'too_few_known', hints: [{ found: 'spaces', users: 3, example: ' person-0' }] });
  });
});

describe('a file of another kind', () => {
  beforeAll(open);

  it.each([
    [
      'id;name\n1;Ann\n',
      'fields must be separated by commas, but this header row uses semicolons; its columns are "id", "name"',
    ],
    [
      `${people(0, 12)}\n`,
      'the header row has no column user_id; its columns are "person-0", "person-1", "person-2", "person-3", "person-4", ' +
        '"person-5", "person-6", "person-7", "person-8", "person-9" and 2 more',
    ],
  ])('says which columns it has (%j)', async (body, message) => {
    const { status, json } = await put(body, '', 'text/csv');
    expect([status, json.errors[0].pointer, json.errors[0].message]).toEqual([400, 'line 1', message]);
  });

  const utf16 = 'the file is UTF-16 text; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8)';
  const spreadsheet =
    'the file is a spreadsheet (Excel, OpenDocument) or a ZIP archive, not text; save it as CSV (UTF-8)';
  it.each([
    ['UTF-16, little-endian', Buffer.from('\ufeffperson-1\n', 'utf16le'), utf16],
    ['UTF-16 without a mark', Buffer.from(text(people(0, 3)), 'utf16le'), utf16],
    ['a workbook', Buffer.from('PK\u0003\u0004\u0014\n\u0000\u0008'), spreadsheet],
  ])('says that it is %s, whatever the type', async (_name, body, message) => {
    for (const type of ['text/plain', 'text/csv', 'application/x-ndjson']) {
      const { status, json } = await put(body, '', type);
      expect([status, json.errors[0].message]).toEqual([400, message]);
    }
  });

  it('is no workbook for an id that begins with PK', async () => {
    expect((await put('PK\nPK-17\n%PDF\n')).json).toMatchObject({ received: 3 });
  });
});
