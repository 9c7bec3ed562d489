/** Uploads of typed identifiers: they are hashed at the door, and matched by type and rule. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { identifierId } from '../../../src/domain/identities.ts';
import { type Fixture, importUsers, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';

const idOf = (value: string) =>
  identifierId(value, { type: 'email', rule: 'uid2', isHashed: false, countryCode: null })!;
const addresses = Array.from({ length: 40 }, (_, i) => `user.${i}@example.com`);
const population = await importUsers([...addresses.map(idOf), 'person-1']);
const SETS = ['suppression', 'seeds', 'negatives'];
const UID2 = '?identifier=email&rule=uid2';

let fixture: Fixture;
beforeEach(async () => {
  fixture = await openFixture(population);
});
const put = (body: string | object, query = UID2, type = 'text/plain', path = '/v1/suppression') =>
  fixture.call('PUT', `${path}${query}`, body, { 'content-type': type });

describe('an upload of identifiers that users of the population have', () => {
  const mapped = addresses.map((address, i) => `person-${i},email,uid2,${address}`);
  const phones = ['person-1,phone,meta,16505551212', 'person-2,phone,meta,16505551213'];

  it('matches them, and reports how each type and rule matches', async () => {
    const userIds = Array.from({ length: 60 }, (_, i) => `person-${i}`);
    fixture = await openFixture(await importUsers(userIds, [...mapped, ...phones]));
    const { id } = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json;
    const path = `/v1/campaigns/${id}/seeds`;
    expect(
      (await put('user.1@example.com\nUSER.2@example.com\nnobody@x.y\n', UID2, 'text/plain', path)).json,
    ).toMatchObject({
      ...{ users: 3, known: 2, unknown: 1 },
      identifiers: [{ type: 'email', rule: 'uid2', users: 3, known: 2, known_percent: 66.6 }],
    });
    const add = (body: string, query: string) =>
      fixture.call('POST', `${path}/add${query}`, body, { 'content-type': 'text/plain' });
    await add('(650)555-1212\n', '?identifier=phone&rule=meta&country_code=1');
    await add('user.1@example.com\n', '?identifier=email&rule=adcp');
    await add('person-50\n', '');
    const { json } = await fixture.call('GET', path);
    expect(json).toMatchObject({ users: 6, known: 4 });
    expect(json.identifiers).toEqual([
      { type: 'email', rule: 'adcp', users: 1, known: 0, known_percent: 0 },
      { type: 'email', rule: 'uid2', users: 3, known: 2, known_percent: 66.6 },
      { type: 'phone', rule: 'meta', users: 1, known: 1, known_percent: 100 },
    ]);
    const versions = await Promise.all(
      ['current', json.population_version].map((one) => fixture.call('GET', `/v1/populations/${one}`)),
    );
    expect(versions.map((one) => one.json.identifiers)).toEqual(
      Array(2).fill([
        { type: 'email', rule: 'uid2', count: 40, users: 40 },
        { type: 'phone', rule: 'meta', count: 2, users: 2 },
      ]),
    );
  });
});

describe('an upload of identifiers', () => {
  it.each([
    ['text/plain', ' User.1@Example.com\nuser.2@example.com\nnobody@example.com\n'],
    ['text/csv', 'name,user_id\nA,User.1@Example.com\nB,user.2@example.com\nC,nobody@example.com\n'],
    ['application/x-ndjson', '"User.1@Example.com"\n{"user_id":"user.2@example.com"}\n"nobody@example.com"\n'],
    ['application/json', { user_ids: ['User.1@Example.com', 'user.2@example.com', 'nobody@example.com'] }],
  ])('matches the users with these hashes as ids (%s)', async (type, body) => {
    const { json } = await put(body, UID2, type);
    expect(json).toMatchObject({ users: 3, known: 2, unknown_examples: [idOf('nobody@example.com')] });
  });

  it('matches hashes in hex and Base64, and no hash of another rule', async () => {
    const base64 = idOf(addresses[0]!).slice('email:uid2:'.length);
    const hex = Buffer.from(base64, 'base64').toString('hex');
    expect((await put(`${base64}\n${hex}\n`, `${UID2}&hashed=true`)).json).toMatchObject({ users: 1, known: 1 });
    expect((await put(hex, '?identifier=email&rule=adcp&hashed=true')).json).toMatchObject({ users: 1, known: 0 });
  });

  it.each([
    ['?identifier=email', 'rule'],
    ['?identifier=phone&rule=liveramp-md5', 'rule'],
    ['?rule=uid2', 'identifier'],
    ['?identifier=post', 'identifier'],
    ['?identifier=phone&rule=adcp&country_code=0', 'country_code'],
  ])('is refused with a query that names no rule of the type: %s', async (query, pointer) => {
    const { status, json } = await put('a@b.c', query);
    expect([status, json.code, json.errors[0].pointer]).toEqual([400, 'invalid_request', pointer]);
  });

  it.each([
    ['text/plain', 'a@example.com\nsecret.person\n', 'line 2'],
    ['application/json', { user_ids: ['a@example.com', 'secret.person'] }, '/user_ids/1'],
  ])('with a malformed value names its place, not the value (%s)', async (type, body, pointer) => {
    const { status, json, text } = await put(body, UID2, type);
    expect([status, json.errors[0].pointer]).toEqual([400, pointer]);
    expect(text).not.toContain('secret.person');
    expect(fixture.log()).not.toContain('secret.person');
  });
});

describe('an e-mail address that is sent as a user id', () => {
  it.each([
    ['text/plain', 'person-1\nsecret.person@example.com\n', 'line 2'],
    ['text/csv', 'user_id,name\nperson-1,A\n"Ann,secret.person@example.com",B\n', 'line 3'],
    ['application/json', { user_ids: ['person-1', 'secret.person@example.com'] }, '/user_ids/1'],
  ])('is refused by its place, without the address (%s)', async (type, body, pointer) => {
    const { status, json, text } = await put(body, '', type);
    const [{ message, ...error }] = json.errors;
    expect([status, error, message]).toEqual([400, { pointer }, expect.stringMatching(/with identifier and rule/)]);
    expect(text + fixture.log()).not.toContain('secret.person');
    expect((await fixture.call('GET', '/v1/suppression')).json.users).toBe(0);
  });

  it('is removed from a list, and is accepted if user ids of the population are addresses', async () => {
    const remove = () => fixture.call('POST', '/v1/suppression/remove', { user_ids: ['secret.person@example.com'] });
    expect((await remove()).status).toBe(200);
    fixture = await openFixture(await importUsers([...USER_IDS, 'ann@example.com']));
    const { json } = await put({ user_ids: ['ann@example.com', 'bob@example.com'] }, '', 'application/json');
    expect(json).toMatchObject({ users: 2, known: 1, unknown: 1 });
  });
});

describe('a plain identifier', () => {
  it.each([
    ['email', 'uid2', 'secret.person@example.com', ['secret.person']],
    // as sent and as normalised: fewer digits occur in ids and times by chance
    ['phone', 'meta', '+44 20 7946 0958', ['7946 0958', '79460958']],
    ['', '', 'secret.person@example.com', ['secret.person']],
  ])('sent to every door leaves nothing in a file or the log: %s %s', async (identifier, rule, value, parts) => {
    const mapped = identifier === '' ? [] : [`person-50,${identifier},${rule},${value}`];
    fixture = await openFixture(await importUsers(USER_IDS, mapped));
    const ready = await fixture.createReady();
    const { id } = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json;
    const query = identifier === '' ? '?' : `?identifier=${identifier}&rule=${rule}`;
    const malformed = `x ${value} @`;
    /** The files that contain the identifier. */
    const holders = () =>
      readdirSync(fixture.dataDir, { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile())
        .filter((one) => holds(readFileSync(join(one.parentPath, one.name))))
        .map(({ name }) => name);
    const holds = (content: Buffer | string) => parts.some((part) => content.includes(part));
    const texts: string[] = [];
    const send = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: string | object, type = '') => {
      const headers = { 'idempotency-key': `key-${texts.length}`, ...(type === '' ? {} : { 'content-type': type }) };
      texts.push((await fixture.call(method, path, body, headers)).text);
    };
    const time = '2026-01-02T03:04:05Z';
    for (const sent of [value, malformed]) {
      for (const path of ['/v1/suppression', ...SETS.map((set) => `/v1/campaigns/${id}/${set}`)]) {
        const at = `${path}${query}`;
        await send('PUT', at, `${sent}\nx\n`, 'text/plain');
        await send('PUT', at, `user_id,name\n${sent},A\n"${sent}\n`, 'text/csv');
        await send('PUT', at, `"${sent}"\n{"user_id":"${sent}"}\n{${sent}\n["${sent}"]\n`, 'application/x-ndjson');
        for (const ids of [[sent], [[sent]], { [sent]: sent }]) await send('PUT', at, { user_ids: ids });
        await send('PUT', `${at}&min_known_percent=100`, sent, 'text/plain');
        for (const how of ['add', 'remove']) await send('POST', `${path}/${how}${query}`, { user_ids: [sent] });
        await send('PUT', `${at}&hashed=true`, sent, 'text/plain');
      }
      // a phone number without its type looks like any other user id
      for (const seeds of identifier === 'phone' ? [] : [[sent], [{ user_id: sent, weight: 2 }]])
        await send('POST', '/v1/campaigns', { ...OK_BODY, seeds });
      await send('POST', '/v1/estimates', { seeds: [sent] });
      const events = [{ user_id: sent, event: 'click' }];
      for (const body of [{ events }, { events: [{ ...events[0], event: sent }] }, `{"user_id":"${sent}"`])
        await send('POST', `/v1/campaigns/${id}/feedback${query}`, body, 'application/json');
      const conversions = [{ user_id: sent, time }];
      for (const body of [{ conversions }, { conversions: [{ user_id: [sent], time: sent }] }])
        await send('POST', `/v1/campaigns/${id}/conversions${query}`, body);
      // an erasure would remove it
      expect(holders()).toEqual([]);
      await send('POST', `/v1/campaigns/${ready}/audience/members/batch${query}`, { user_ids: [sent, [sent]] });
      await send('POST', `/v1/campaigns/${ready}/audience/members/batch${query}`, { user_ids: [sent] });
      for (const body of [{ user_id: sent }, { user_id: sent, why: sent }, sent])
        await send('POST', `/v1/users/erase${query}`, body, 'application/json');
      const path = encodeURIComponent(sent);
      for (const at of [`/v1/campaigns/${ready}/audience/members/${path}`, `/v1/users/${path}/audiences`])
        for (const hashed of ['', '&hashed=true']) await send('GET', `${at}${query}${hashed}`);
      await send('DELETE', `/v1/users/${path}${query}`);
      for (const at of ['rule', 'cut', 'country_code', 'q'])
        await send('GET', `/v1/campaigns/${ready}/audience?identifier=${identifier}&${at}=${path}`);
      await send('GET', `/v1/campaigns?cursor=${path}&name=${path}`);
    }
    expect(readdirSync(fixture.dataDir).some((name) => name.endsWith('-wal'))).toBe(true);
    expect(holders()).toEqual([]);
    expect(holds(fixture.log())).toBe(false);
    // the same search finds a value that is stored
    await fixture.call('PUT', '/v1/suppression', { user_ids: [parts.at(-1)] });
    expect(holders().length).toBeGreaterThan(0);
  });
});
