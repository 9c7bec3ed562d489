/** Each route with no key, a wrong one, an expired one, a revoked one, and one of too small a scope. */
import { describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../../src/domain/api-keys.ts';
import { openContract } from '../../fixture/api-document.ts';
import { importUsers, openFixture } from '../fixture.ts';

const { operations } = await openContract();
const routes = operations.map(({ method, path, operation }) => {
  const [needed] = (operation as { readonly security?: readonly { readonly key?: readonly string[] }[] }).security!;
  return { name: `${method} ${path}`, method, url: path.replace(/\{\w+\}/g, 'x'), scope: needed?.key?.[0] ?? 'none' };
});
const ofScope = (...scopes: readonly string[]) => routes.filter(({ scope }) => scopes.includes(scope));

const keys = new Map<string, string>();
const population = await importUsers();
const server = await openFixture(population);
const { apiKeys } = server.store;
const create = async (scope: Scope, expiresAt: number | null = null, labels = {}) =>
  apiKeys.create({ name: scope, scope, labels, expiresAt }, 100);
for (const scope of SCOPES) keys.set(scope, (await create(scope)).key);
keys.set('expired', (await create('admin', 1)).key);
keys.set('labelled', (await create('write', null, { team: 'a' })).key);
const revoked = await create('admin');
await apiKeys.revoke(revoked.apiKey.id);
keys.set('revoked', revoked.key);
keys.set('wrong', `${keys.get('admin')!.slice(0, -1)}${keys.get('admin')!.endsWith('A') ? 'B' : 'A'}`);
keys.set('unknown', `mh_000000000000_${'a'.repeat(43)}`);

const callWith = async (key: string | null, { method, url }: (typeof routes)[number]) => {
  const authorization = key === null ? undefined : `Bearer ${keys.get(key) ?? key}`;
  const answer = await server.call(
    method as 'GET',
    url,
    // the key is checked before anything else
    method === 'GET' || method === 'DELETE' ? undefined : '{',
    authorization === undefined ? {} : { authorization },
  );
  return [answer.status, answer.json?.code];
};

describe('every route', () => {
  it('declares a scope, and those of the API one of a key', () => {
    expect(new Set(routes.map(({ scope }) => scope))).toEqual(new Set(['none', 'metrics', ...SCOPES]));
    // the tokens of deletion requests are signed, so they need no key
    const isApi = (url: string) => /^\/(v1\/|mcp$)/.test(url) && url !== '/v1/deletion-requests';
    expect(routes.filter(({ url, scope }) => isApi(url) !== (SCOPES as readonly string[]).includes(scope))).toEqual([]);
    const counts = SCOPES.map((scope) => ofScope(scope).length);
    expect(Math.min(...counts)).toBeGreaterThan(4);
  });

  it.each([null, 'wrong', 'unknown', 'expired', 'revoked', 'mh_', 'x'])('refuses the key %j', async (key) => {
    for (const route of ofScope(...SCOPES))
      expect([route.name, ...(await callWith(key, route))]).toEqual([route.name, 401, 'unauthorized']);
  });

  it('refuses a key of the scope below its own, and takes one of its own and of any above', async () => {
    for (const [i, scope] of SCOPES.entries())
      for (const route of ofScope(scope))
        for (const [j, having] of SCOPES.entries()) {
          const [status, code] = await callWith(having, route);
          const what = [route.name, having];
          if (j < i) expect([...what, status, code]).toEqual([...what, 403, 'forbidden']);
          else expect([...what, [401, 403].includes(status)]).toEqual([...what, false]);
        }
  });

  it('is open without a key where it says so', async () => {
    for (const route of ofScope('none', 'metrics'))
      expect([route.name, [401, 403].includes((await callWith(null, route))[0])]).toEqual([route.name, false]);
  });

  it('refuses a key of certain labels, or tells it of no campaign, unless it concerns none', async () => {
    const open: string[] = [];
    for (const route of ofScope('read', 'write')) {
      const [status, code] = await callWith('labelled', route);
      if (route.url.startsWith('/v1/campaigns/x'))
        expect([route.name, status, code]).toEqual([route.name, 404, 'campaign_not_found']);
      else if (status !== 403) open.push(route.name);
    }
    expect(open.sort()).toEqual([
      'GET /v1/campaigns',
      'GET /v1/keys/current',
      'GET /v1/limits',
      'GET /v1/models/current',
      'GET /v1/models/current/features/{name}/values',
      'GET /v1/populations',
      'GET /v1/populations/current',
      'GET /v1/populations/current/features/{name}/values',
      'GET /v1/populations/current/sample',
      'GET /v1/populations/{version}',
      'GET /v1/populations/{version}/changes',
      'GET /v1/receipts/key',
      'POST /mcp',
      'POST /v1/campaigns',
      'POST /v1/campaigns/status',
      'POST /v1/estimates',
    ]);
  });
});
