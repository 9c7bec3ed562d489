/** Deletion requests by the framework of the IAB: who may ask, what is erased, and what the answer proves. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { type Answer, importUsers, openFixture, USER_IDS } from '../fixture.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const people = USER_IDS.filter((userId) => /^person-\d+$/.test(userId));
const identifiers = people.flatMap((id) => [
  `${id},email,adcp,${id}@example.com`,
  `${id},email,google,${id}@example.com`,
]);
const now = Math.floor(Date.now() / 1000);

const keys = await generateKeyPair('ES256');
const others = await generateKeyPair('ES256');
/** What each domain publishes; the test changes it. */
const published = new Map<string, JWK[]>();
let reads = 0;
const web = createServer((request, response) => {
  reads += 1;
  const found = published.get(request.url!.slice(1));
  response.writeHead(found ? 200 : 404).end(JSON.stringify({ publicKey: found, endpoint: 'https://x.example/' }));
});
await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
afterAll(() => new Promise((resolve) => web.close(resolve)));
const keyOf = async (pair: typeof keys, kid: string): Promise<JWK> => ({ ...(await exportJWK(pair.publicKey)), kid });
published.set('vendor', [await keyOf(keys, 'one')]);
published.set('publisher', [await keyOf(keys, 'one')]);

const { port } = web.address() as AddressInfo;
const issuerAt = (name: string) => ({ domain: `${name}.example`, url: `http://127.0.0.1:${port}/${name}` });
const deletion = { domain: 'audiences.example', issuers: ['vendor', 'publisher', 'down'].map(issuerAt) };
const server = await openFixture(
  await importUsers(USER_IDS, identifiers),
  { apiKey: 'a key of this test', deletion },
  { allowedHosts: ['127.0.0.1'] },
);
const asAdmin = { authorization: 'Bearer a key of this test' };

interface Signing {
  readonly by?: typeof keys;
  readonly kid?: string;
  readonly claims?: JWTPayload;
}

function sign(issuer: string, { by = keys, kid = 'one', claims = {} }: Signing = {}): Promise<string> {
  const all = { version: '2.0', jti: crypto.randomUUID(), iss: `${issuer}.example`, iat: now, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid }).sign(by.privateKey);
}

const subjectOf = (value: string, type = 'email', format = 'sha256') => ({
  sub: { identifierValue: value, identifierType: type, identifierFormat: format } as unknown as string,
});

async function requestOf(claims: JWTPayload, { inner, ...signing }: Signing & { inner?: string } = {}) {
  const orJWT = inner ?? (await sign('publisher'));
  return sign('vendor', { ...signing, claims: { orJWT, ...claims } });
}

const send = (rqJWT: string) => server.call('POST', '/v1/deletion-requests', { rqJWT });
const isKnown = (id: string) => server.population.directory.find(id) !== -1;

/** The acknowledgement, verified with the key in /dsrdelete.json. */
async function acknowledged({ json }: Answer): Promise<JWTPayload> {
  const participant = (await server.call('GET', '/dsrdelete.json')).json;
  const { payload } = await jwtVerify(json.acJWT, createLocalJWKSet({ keys: participant.publicKey }));
  return payload;
}

/** Users who are still there, for requests that must erase nobody. */
const [kept] = people.slice(20);
const keptHash = subjectOf(sha256(`${kept}@example.com`));

describe('a deletion request', () => {
  it('erases the user of a hash by every rule, records who asked, and is acknowledged with a signature', async () => {
    const [id] = people.slice(7);
    const rqJWT = await requestOf(subjectOf(sha256(`${id}@example.com`)));
    const answer = await send(rqJWT);
    expect([answer.status, answer.json]).toEqual([202, { acJWT: expect.any(String) }]);
    const { raResultCode, rqJWT: theirs, iss } = await acknowledged(answer);
    expect({ raResultCode, theirs, iss }).toEqual({ raResultCode: 0, theirs: rqJWT, iss: 'audiences.example' });
    expect(isKnown(id!)).toBe(false);
    const { items } = await server.store.audit.list({ limit: 1_000 });
    expect(items.filter(({ action }) => action === 'requestDeletion')).toEqual([
      expect.objectContaining({ actor: 'vendor.example', facts: { first_party: 'publisher.example' }, status: 202 }),
    ]);
    expect(server.log()).not.toContain(sha256(`${id}@example.com`));
  });

  it.each([
    ['an own id', 'user_id', 'plain', (id: string) => id],
    ['a plain address', 'email', 'plain', (id: string) => ` ${id.toUpperCase()}@example.com`],
  ])('erases the user of %s', async (name, type, format, written) => {
    const id = people[30 + name.length]!;
    expect((await send(await requestOf(subjectOf(written(id), type, format)))).status).toBe(202);
    expect(isKnown(id)).toBe(false);
  });

  it('can be repeated, also about a user who is not known, and is then accepted again', async () => {
    const rqJWT = await requestOf(subjectOf(sha256('nobody@example.com')));
    for (let i = 0; i < 2; i++) expect((await send(rqJWT)).status).toBe(202);
  });

  it('may name its origin idJWT, as in version 1', async () => {
    const rqJWT = await sign('vendor', {
      claims: { ...subjectOf('gone', 'user_id', 'plain'), idJWT: await sign('publisher') },
    });
    expect((await send(rqJWT)).status).toBe(202);
  });

  it('takes identifiers off the suppression list, although the population does not have them', async () => {
    const list = '/v1/suppression?identifier=email&rule=adcp';
    await server.call('PUT', list, { user_ids: ['stranger@example.com'] }, asAdmin);
    await send(await requestOf(subjectOf(sha256('stranger@example.com'))));
    expect((await server.call('GET', '/v1/suppression', undefined, asAdmin)).json.users).toBe(0);
  });

  it('is accepted with a key that its issuer has published since the last read', async () => {
    published.set('vendor', [await keyOf(keys, 'one'), await keyOf(others, 'two')]);
    // the keys of a minute ago are not read again
    const rqJWT = await requestOf(subjectOf('gone', 'user_id', 'plain'), { by: others, kid: 'two' });
    const before = reads;
    expect(await acknowledged(await send(rqJWT))).toMatchObject({ raResultCode: 2 });
    expect(reads).toBe(before);
  });

  const tamper = (jwt: string) => jwt.replace(/\.[^.]+$/, (own) => `.${[...own.slice(1)].reverse().join('')}`);
  it.each([
    ['without an identifier', 1, () => requestOf({})],
    ['without an origin', 1, () => sign('vendor', { claims: keptHash })],
    ['without a time', 1, () => requestOf({ ...keptHash, iat: 'today' as unknown as number })],
    ['of an issuer that is not trusted', 2, () => sign('stranger', { claims: keptHash })],
    ['signed by another key', 2, () => requestOf(keptHash, { by: others })],
    [
      'whose origin is signed by another key',
      2,
      async () => requestOf(keptHash, { inner: await sign('publisher', { by: others }) }),
    ],
    ['whose origin is not trusted', 2, async () => requestOf(keptHash, { inner: await sign('stranger') })],
    ['whose signature was changed', 2, async () => tamper(await requestOf(keptHash))],
    ['that is no JWT', 3, async () => 'no JWT'],
    ['of an unknown type', 4, () => requestOf(subjectOf('x', 'cookie', 'plain'))],
    ['of another format', 5, () => requestOf(subjectOf('x', 'email', 'sha512'))],
    ['whose value is no hash', 5, () => requestOf(subjectOf('x'))],
    ['whose value is too long for an id', 5, () => requestOf(subjectOf('x'.repeat(2_000), 'user_id', 'plain'))],
    ['that is too old', 6, () => requestOf({ ...keptHash, iat: now - 40 * 86_400 })],
    ['from the future', 6, () => requestOf({ ...keptHash, iat: now + 3_600 })],
    [
      'whose origin is too old',
      6,
      async () => requestOf(keptHash, { inner: await sign('publisher', { claims: { iat: 1 } }) }),
    ],
  ])('%s is refused with the code %i, and erases nobody', async (_, code, request) => {
    const answer = await send(await request());
    expect(answer.status).toBe(400);
    expect(await acknowledged(answer)).toMatchObject({ raResultCode: code, raResultString: expect.any(String) });
    expect(isKnown(kept!)).toBe(true);
  });

  it('fails for now if the keys of a trusted issuer cannot be read, which is tried once a minute', async () => {
    const before = reads;
    const token = await sign('down', { claims: keptHash });
    for (const answer of [...(await Promise.all([send(token), send(token)])), await send(token)])
      expect([answer.status, answer.json.code, answer.headers['retry-after']]).toEqual([503, 'unavailable', '60']);
    expect(reads).toBe(before + 1);
  });

  it('is not accepted by a service that trusts no issuer', async () => {
    const closed = await openFixture(server.population);
    for (const [method, path] of [
      ['POST', '/v1/deletion-requests'],
      ['GET', '/dsrdelete.json'],
    ] as const)
      expect((await closed.call(method, path, method === 'POST' ? { rqJWT: 'x' } : undefined)).status).toBe(404);
  });
});
