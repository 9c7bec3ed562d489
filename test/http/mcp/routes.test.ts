/** Agents call tools; the API applies its rules to each call as to any other request. */
import { describe, expect, it } from 'vitest';
import type { Scope } from '../../../src/domain/api-keys.ts';
import type { Labels } from '../../../src/domain/types.ts';
import { jsonLines } from '../../fixture/json-lines.ts';
import { importUsers, OK_BODY, openFixture, SEEDS } from '../fixture.ts';

const OPERATOR = 'operators-key-of-this-test';
const server = await openFixture(await importUsers(), { apiKey: OPERATOR });
const keyOf = async (scope: Scope, labels: Labels = {}) =>
  (await server.store.apiKeys.create({ name: 'agent', scope, labels, expiresAt: null }, 100)).key;
const [read, write] = [await keyOf('read'), await keyOf('write')];
const id = (await use(write, 'create', OK_BODY)).result.structuredContent.id;
await server.finishNext();

async function send(key: string | null, method: string, params: object = {}) {
  const headers = { accept: 'application/json', ...(key !== null && { authorization: `Bearer ${key}` }) };
  const answer = await server.call('POST', '/mcp', { jsonrpc: '2.0', id: 1, method, params }, headers);
  return { ...answer, result: answer.json?.result };
}
async function use(key: string | null, name: string, args: object) {
  return send(key, 'tools/call', { name, arguments: args });
}

describe('tools', () => {
  it('are listed with the schemas of their operations and with their effects', async () => {
    const { tools } = (await send(read, 'tools/list')).result;
    expect(tools.map(({ name }: { name: string }) => name)).toEqual([
      ...['estimate', 'create', 'status', 'quality', 'resize', 'members', 'export', 'lift'],
      ...['get_adcp_capabilities', 'list_accounts', 'sync_audiences', 'get_signals', 'activate_signal'],
    ]);
    for (const { name, inputSchema, outputSchema, annotations, description } of tools) {
      expect([inputSchema.type, outputSchema.type, typeof description], name).toEqual(['object', 'object', 'string']);
      expect(Object.keys(outputSchema.properties).length, name).toBeGreaterThan(0);
      expect(annotations.readOnlyHint, name).toBe(
        !['create', 'resize', 'sync_audiences', 'activate_signal'].includes(name),
      );
      const references = JSON.stringify([inputSchema, outputSchema]).matchAll(/"\$ref":"#\/\$defs\/(\w+)"/g);
      for (const [, definition] of references)
        expect({ ...inputSchema.$defs, ...outputSchema.$defs }, name).toHaveProperty(definition!);
    }
    const create = tools.find(({ name }: { name: string }) => name === 'create');
    expect(create.inputSchema.required).toEqual(['name', 'seeds', 'audience']);
    expect(create.inputSchema.properties).toHaveProperty('idempotency_key');
    const resize = tools.find(({ name }: { name: string }) => name === 'resize');
    expect(Object.keys(resize.inputSchema.properties).sort()).toEqual(['audience', 'cuts', 'id', 'if_match']);
  });

  it('return what their routes return, as text and as data', async () => {
    for (const [name, args, path] of [
      ['status', { id }, `/v1/campaigns/${id}`],
      ['quality', { id }, `/v1/campaigns/${id}/quality`],
      ['export', { id, limit: 3 }, `/v1/campaigns/${id}/audience?limit=3`],
    ] as const) {
      const { json } = await server.call('GET', path, undefined, { authorization: `Bearer ${read}` });
      const { structuredContent, content, isError } = (await use(read, name, args)).result;
      expect([structuredContent, JSON.parse(content[0].text), isError], name).toEqual([json, json, undefined]);
    }
    const { items } = (await use(read, 'members', { id, user_ids: ['person-100', 'nobody'] })).result.structuredContent;
    expect(items.map(({ user_id }: { user_id: string }) => user_id)).toEqual(['person-100', 'nobody']);
  });

  it('create a campaign once for each idempotency key, in the name of the key, and resize its audience', async () => {
    const args = { ...OK_BODY, idempotency_key: 'agent-1' };
    const [first, again] = [await use(write, 'create', args), await use(write, 'create', args)];
    const { id: made } = first.result.structuredContent;
    expect(again.result.structuredContent.id).toBe(made);
    await server.finishNext();
    expect((await use(read, 'status', { id: made })).result.structuredContent.state).toBe('ready');
    const resized = await use(write, 'resize', { id: made, audience: { size: 20 } });
    expect(resized.result.structuredContent.size).toBe(20);
    const audit = await server.call('GET', '/v1/audit', undefined, { authorization: `Bearer ${OPERATOR}` });
    const own = jsonLines(audit.text).filter(({ actor }) => write.startsWith(actor));
    expect(own.map(({ action }) => action)).toEqual(expect.arrayContaining(['createCampaign', 'updateCampaign']));
  });

  it.each([
    ['status', { id: 'nope' }, 'campaign_not_found'],
    ['status', {}, 'invalid_request'],
    ['status', { id, extra: 1 }, 'invalid_request'],
    ['estimate', { seeds: SEEDS, extra: 1 }, 'invalid_request'],
    ['export', { id, limit: -1 }, 'invalid_request'],
  ])('%s of %j fails with the problem of the route', async (name, args, code) => {
    const { content, isError, structuredContent } = (await use(read, name, args)).result;
    expect([isError, structuredContent, JSON.parse(content[0].text).code]).toEqual([true, undefined, code]);
  });
});

describe('keys', () => {
  it('are required, and need the scope of the tool', async () => {
    const { tools } = (await send(read, 'tools/list')).result;
    for (const { name, annotations } of tools) {
      const none = await use(null, name, {});
      expect([none.status, none.headers['www-authenticate']], name).toEqual([401, 'Bearer realm="metaheac"']);
      const refused = await use(read, name, {});
      expect([refused.status, refused.headers['www-authenticate']], name).toEqual(
        annotations.readOnlyHint
          ? [200, undefined]
          : [403, 'Bearer realm="metaheac", error="insufficient_scope", scope="write"'],
      );
    }
  });

  it('with labels find only campaigns with these labels', async () => {
    const labelled = await keyOf('write', { team: 'growth' });
    expect(JSON.parse((await use(labelled, 'status', { id })).result.content[0].text).code).toBe('campaign_not_found');
    const made = await use(labelled, 'create', { ...OK_BODY, labels: { team: 'growth' } });
    expect((await use(labelled, 'status', { id: made.result.structuredContent.id })).result.isError).toBeUndefined();
  });

  it('with the label of an account of AdCP sync the audiences of this account alone', async () => {
    const buyer = await keyOf('write', { adcp_account: 'nova' });
    expect((await use(buyer, 'list_accounts', {})).result.structuredContent.accounts[0].account_id).toBe('nova');
    const add = SEEDS.map((external_id) => ({ external_id, hashed_email: 'a'.repeat(64) }));
    const audiences = [{ audience_id: 'a', add }];
    const own = await use(buyer, 'sync_audiences', { audiences, idempotency_key: 'a-key-of-the-first-call' });
    expect(own.result.structuredContent.audiences[0]).toMatchObject({ action: 'created', status: 'too_small' });
    const other = await use(buyer, 'sync_audiences', {
      ...{ account: { account_id: 'volta' }, audiences, idempotency_key: 'a-key-of-another-call' },
    });
    expect(other.result.structuredContent.audiences[0]).toMatchObject({
      ...{ action: 'failed', errors: [{ code: 'PERMISSION_DENIED' }] },
    });
  });
});
