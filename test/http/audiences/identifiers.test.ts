/** Look-ups, pages, exports and erasures by typed identifiers. */
import { describe, expect, it } from 'vitest';
import { identifierId, type RuleName } from '../../../src/domain/identities.ts';
import { importUsers, OK_BODY, openFixture, USER_IDS } from '../fixture.ts';

const emailOf = (user: string) => `${user}@example.com`;
const idOf = (value: string, rule: RuleName = 'uid2') =>
  identifierId(value, { type: 'email', rule, isHashed: false, countryCode: null })!;
const hashOf = (value: string) => idOf(value).slice('email:uid2:'.length);
const UID2 = 'identifier=email&rule=uid2';
/** Every other user has an e-mail address; one has two. */
const mapped = USER_IDS.filter((user) => /^person-\d*[02468]$/.test(user));
const rows = [
  ...mapped.map((user) => `${user},email,uid2,${emailOf(user)}`),
  'person-100,email,uid2,second@example.com',
];
const fixture = await openFixture(await importUsers(USER_IDS, rows), { streamChunkRows: 7 });
const id = await fixture.createReady();
const base = `/v1/campaigns/${id}/audience`;
const get = (path: string, headers: Record<string, string> = {}) => fixture.call('GET', path, undefined, headers);
const members: { rank: number; user_id: string }[] = (await get(`${base}?limit=50`)).json.items;
const shown = members.filter(({ user_id }) => mapped.includes(user_id));
const member = shown[2]!;
/** The lowest hash of a user. */
const shownAs = (user: string) => {
  const addresses = rows.filter((row) => row.startsWith(`${user},`)).map((row) => row.split(',').at(-1)!);
  return Buffer.from(addresses.map((one) => Buffer.from(hashOf(one), 'base64')).sort(Buffer.compare)[0]!).toString(
    'base64',
  );
};

describe('a look-up by the hash of an identifier', () => {
  it('finds the user in hex and Base64, and the audiences of the user', async () => {
    const expected = (await get(`${base}/members/${member.user_id}`)).json;
    expect(expected).toMatchObject({ member: true, rank: member.rank });
    const base64 = hashOf(emailOf(member.user_id));
    for (const hash of [base64, Buffer.from(base64, 'base64').toString('hex')])
      expect((await get(`${base}/members/${encodeURIComponent(hash)}?${UID2}&hashed=true`)).json).toEqual(expected);
    const audiences = `/v1/users/${encodeURIComponent(base64)}/audiences?${UID2}&hashed=true`;
    expect((await get(audiences)).json.items).toMatchObject([{ campaign_id: id, rank: member.rank }]);
  });

  it('does not find a hash of another rule, and refuses a plain identifier', async () => {
    const hex = idOf(emailOf(member.user_id), 'adcp').slice('email:adcp:'.length);
    expect((await get(`${base}/members/${hex}?identifier=email&rule=adcp&hashed=true`)).status).toBe(404);
    const { status, json, text } = await get(`${base}/members/${emailOf(member.user_id)}?${UID2}`);
    expect([status, json.errors[0].pointer]).toEqual([400, 'hashed']);
    expect(text).not.toContain('@');
    const wrong = await get(`${base}/members/${emailOf(member.user_id)}?${UID2}&hashed=true`);
    expect([wrong.status, wrong.json.errors[0].pointer, wrong.text.includes('@')]).toEqual([400, 'user_id', false]);
  });
});

it('a batch of look-ups takes plain identifiers, and shows their hashes', async () => {
  const batch = (user_ids: string[]) => fixture.call('POST', `${base}/members/batch?${UID2}`, { user_ids });
  const { json, text } = await batch([emailOf(member.user_id).toUpperCase(), 'nobody@example.com']);
  expect(json.items).toMatchObject([
    { user_id: idOf(emailOf(member.user_id)), member: true, rank: member.rank },
    { user_id: idOf('nobody@example.com'), known: false, code: 'user_not_found' },
  ]);
  expect(text).not.toContain('@');
  const refused = await batch(['a@b.c', 'secret.person']);
  expect([refused.status, refused.json.errors[0].pointer]).toEqual([400, '/user_ids/1']);
  expect(refused.text).not.toContain('secret.person');
});

describe('an audience shown by identifiers', () => {
  it('has the hashes of the users who have one, and counts the others', async () => {
    const { json, headers } = await get(`${base}?limit=50&${UID2}`);
    expect(json.items).toEqual(shown.map((item) => ({ ...item, user_id: shownAs(item.user_id) })));
    expect(headers['x-without-identifier']).toBe(String(50 - shown.length));
    expect(headers['etag']).not.toBe((await get(`${base}?limit=50`)).headers['etag']);
  });

  it.each(['application/x-ndjson', 'text/csv'])('is exported as %s', async (accept) => {
    const { text, headers } = await get(`${base}?${UID2}`, { accept });
    expect(headers['x-without-identifier']).toBe(String(50 - shown.length));
    expect(shown.filter(({ user_id }) => !text.includes(shownAs(user_id)))).toEqual([]);
    expect(text).not.toContain('person-');
  });

  it('is refused if the population has no such identifiers', async () => {
    const { status, json } = await get(`${base}?identifier=email&rule=adcp`);
    expect([status, json.errors[0].pointer]).toEqual([400, 'rule']);
  });
});

describe('an erasure by a plain identifier', () => {
  it('erases the user with all ids, from lists too', async () => {
    const [user, other] = ['person-100', 'person-102'];
    const campaign = (await fixture.call('POST', '/v1/campaigns', OK_BODY)).json.id;
    const list = `/v1/campaigns/${campaign}/suppression`;
    const put = (ids: string[], query = '', how = '') =>
      fixture.call(how === '' ? 'PUT' : 'POST', `${list}${how}${query}`, { user_ids: ids });
    await put([user, other]);
    await put([emailOf(user), emailOf(other)], `?${UID2}`, '/add');
    const erase = (user_id: string) => fixture.call('POST', `/v1/users/erase?${UID2}`, { user_id });
    expect((await erase('Second@Example.com')).status).toBe(204);
    const lookUp = (value: string) => get(`${base}/members/${encodeURIComponent(hashOf(value))}?${UID2}&hashed=true`);
    const statuses = [get(`${base}/members/${user}`), lookUp(emailOf(user)), lookUp('second@example.com')];
    expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await get(list)).json).toMatchObject({ users: 2, known: 2, identifiers: [{ users: 1, known: 1 }] });
    expect((await erase('nobody@example.com')).status).toBe(204);
    const refused = await erase('secret.person');
    expect([refused.status, refused.text.includes('secret.person')]).toEqual([400, false]);
  });

  it('in a URL has to be a hash', async () => {
    const hash = encodeURIComponent(hashOf(emailOf('person-104')));
    expect((await fixture.call('DELETE', `/v1/users/person-104@example.com?${UID2}`)).status).toBe(400);
    expect((await get(`${base}/members/person-104`)).status).toBe(200);
    expect((await fixture.call('DELETE', `/v1/users/${hash}?${UID2}&hashed=true`)).status).toBe(204);
    expect((await get(`${base}/members/person-104`)).status).toBe(404);
  });
});
