/** No user id, seed or key is in a log or the audit log, whatever is called; keys change while the service runs. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metaheac } from '../cli/in-process.ts';
import { useFolders } from '../fixture/folders.ts';
import { jsonLines } from '../fixture/json-lines.ts';
import { HAS_PROC } from '../fixture/processes.ts';
import { Served } from '../fixture/served.ts';
import { tinyWorld } from '../fixture/tiny-world.ts';

const newFolder = useFolders();
const world = await tinyWorld();
const campaign = world.campaigns[0]!;

/** Everything that is called with planted ids; the campaign's id. */
async function callAll(served: Served, key: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  const call = (method: string, path: string, body?: unknown, more = {}) =>
    served.call(method, path, body, { ...headers, ...more });
  const body = { name: 'n', audience: { size: 50 }, features: campaign.features };
  const created = await call('POST', '/v1/campaigns', { ...body, seeds: [...campaign.seeds, 'planted-seed-1'] });
  const { id } = created.json;
  const base = `/v1/campaigns/${id}`;
  await served.until(async () => (await call('GET', base)).json.state === 'ready', 'expanded');
  await call('PUT', `${base}/seeds`, { user_ids: [...campaign.seeds, 'planted-seed-2'] });
  await call('POST', `${base}/suppression/add`, 'planted-list-3\n', { 'content-type': 'text/plain' });
  await call('POST', `${base}/suppression/add`, 'planted-list-4\n"', { 'content-type': 'text/csv' });
  await call('POST', `${base}/feedback`, { events: [{ user_id: 'planted-user-5', event: 'click' }] });
  await call('POST', `${base}/expansions`);
  await call('GET', `${base}/audience`, undefined, { accept: 'text/csv' });
  await call('GET', `${base}/audience/members/planted-user-6`);
  await call('GET', '/v1/users/planted-user-7/audiences');
  await call('POST', `${base}/audience/members/batch`, { user_ids: ['planted-user-8', 9] });
  await call('DELETE', '/v1/users/planted-user-9');
  await call('DELETE', '/v1/campaigns/planted-user-10');
  await call('POST', '/v1/campaigns', '{"seeds":["planted-seed-11"');
  await call('POST', '/v1/estimates', { ...body, seeds: ['planted-seed-12'] });
  await served.call('GET', '/v1/campaigns', undefined, { authorization: 'Bearer planted-key-of-nobody' });
  return id;
}

describe.skipIf(!HAS_PROC)('a service with keys', () => {
  it('keeps ids, seeds and keys out of its logs, and follows new and revoked keys at once', {
    timeout: 400_000,
  }, async () => {
    const dataDir = join(newFolder(), 'data');
    const first = await metaheac('keys', 'create', dataDir, '--name', 'first', '--scope', 'admin');
    expect([first.status, first.stderr.includes(first.stdout.trim())]).toEqual([0, false]);
    const admin = first.stdout.trim();
    const env = { METAHEAC_LOG_LEVEL: 'trace', METAHEAC_METRICS_KEY: 'planted-metrics-key' };
    // a user is erased from it, and other tests share the world's
    const population = join(newFolder(), 'population');
    cpSync(world.population, population, { recursive: true });
    const served = await Served.start({ ...world, population, dataDir, env });
    const log = served.log.trimEnd().split('\n');
    expect(log.map((line) => JSON.parse(line)).find(({ address }) => address !== undefined)).toMatchObject({
      version: expect.any(String),
      model: expect.any(String),
      population: expect.any(String),
      users: expect.any(Number),
      data_dir: dataDir,
      threads: 1,
      keys: ['store'],
      msg: expect.stringMatching(/^metaheac is listening on http/),
    });
    const id = await callAll(served, admin);

    const made = await metaheac('keys', 'create', dataDir, '--name', 'later', '--expires-in', '1d');
    const key = made.stdout.trim();
    const keyId = key.slice(0, 15);
    const read = () => served.call('GET', '/v1/campaigns', undefined, { authorization: `Bearer ${key}` });
    expect((await read()).status).toBe(200);
    expect((await metaheac('keys', 'list', dataDir)).stdout).toMatch(new RegExp(`^${keyId}  read   valid until`));
    expect((await metaheac('keys', 'revoke', dataDir, keyId)).status).toBe(0);
    expect((await read()).status).toBe(401);
    expect((await metaheac('keys', 'revoke', dataDir, 'mh_0')).stderr).toBe('metaheac: there is no key mh_0\n');

    const audit = await metaheac('audit', dataDir);
    const entries = jsonLines(audit.stdout);
    expect(entries.map(({ actor, action }) => `${actor} ${action}`)).toEqual(
      expect.arrayContaining(['local createKey', `${admin.slice(0, 15)} createCampaign`, 'local revokeKey']),
    );
    expect(entries.find(({ action }) => action === 'replaceSeeds').resource_id).toBe(id);
    const headers = { authorization: `Bearer ${admin}` };
    expect((await served.call('GET', '/v1/audit', undefined, headers)).text).toBe(audit.stdout);

    const secrets = ['planted', ...campaign.seeds.filter((seed) => seed.length > 3), admin.slice(16), key.slice(16)];
    const words = new Set(`${served.log}\n${audit.stdout}`.split(/[^\w-]+/));
    expect(served.log).toContain('/v1/campaigns/:id/audience/members/:user_id');
    expect(secrets.filter((secret) => words.has(secret))).toEqual([]);
    expect([served.log, audit.stdout].map((text) => /planted/.test(text))).toEqual([false, false]);
  });
});
