/** Destinations through the API: what is written where, and what is refused. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../fixture/folders.ts';
import { HAS_MOTO, startMoto } from '../../fixture/moto.ts';
import { s3Client, startOwnS3, stubCredentials } from '../../fixture/s3.ts';
import { importUsers, OK_BODY, openFixture, SEEDS, USER_IDS } from '../fixture.ts';

const population = await importUsers();
/** Some users have an e-mail address. */
const identified = await importUsers(
  USER_IDS,
  USER_IDS.filter((id) => /^person-\d*[036]$/.test(id)).map((id) => `${id},email,uid2,${id}@example.com`),
);

/** The users of a version whose file is larger than a part of an upload. */
const LARGE = 40_000;
const ID_BYTES = 250;

async function openDestinations(limits: Parameters<typeof openFixture>[1] = {}, users = population) {
  const root = temporaryFolder();
  const fixture = await openFixture(users, limits, { destinationsRoot: root, allowedHosts: ['127.0.0.1'] });
  const create = async (given: object) => {
    const { status, json } = await fixture.call('POST', '/v1/destinations', {
      ...{ name: 'warehouse', kind: 'folder', path: 'a/b', format: 'csv', ...given },
    });
    expect(status, JSON.stringify(json)).toBe(201);
    return json.id as string;
  };
  const deliveries = async (id: string) => (await fixture.call('GET', `/v1/destinations/${id}/deliveries`)).json.items;
  /** Delivers what is due; returns the deliveries, newest first. */
  const delivered = (id: string, state = 'delivered') =>
    vi.waitFor(
      async () => {
        fixture.webhooks.wake();
        const found = await deliveries(id);
        expect(found[0]?.state, JSON.stringify(found[0])).toBe(state);
        return found;
      },
      { timeout: 20_000, interval: 5 },
    );
  const resize = (campaign: string, size: number) =>
    fixture.call('PATCH', `/v1/campaigns/${campaign}`, { audience: { size } });
  return { ...fixture, root, create, delivered, resize };
}

const text = (...path: string[]) => readFileSync(join(...path), 'utf8');
const manifestOf = (...path: string[]) => JSON.parse(text(...path, '_manifest.json'));

describe('a folder as destination', () => {
  it('receives each version with a manifest, as the export of the version', async () => {
    const { root, create, delivered, createReady, call, resize } = await openDestinations();
    const id = await create({});
    const campaign = await createReady();
    expect((await delivered(id))[0]).toMatchObject({
      type: 'campaign.ready',
      campaign_id: campaign,
      audience_version: 1,
    });
    const folder = join(root, 'a/b', campaign);
    const whole = await call('GET', `/v1/campaigns/${campaign}/audience`, undefined, { accept: 'text/csv' });
    expect(text(folder, '1/part-00000.csv')).toBe(whole.text);
    expect(manifestOf(folder, '1')).toMatchObject({
      ...{ campaign_id: campaign, version: 1, kind: 'full', previous_version: null, format: 'csv', rows: 50 },
      files: [{ name: 'part-00000.csv', rows: 50, sha256: createHash('sha256').update(whole.text).digest('hex') }],
    });
    await resize(campaign, 60);
    await delivered(id);
    expect(readdirSync(folder).sort()).toEqual(['1', '2', '_active.json']);
    expect(JSON.parse(text(folder, '_active.json'))).toEqual({ version: 2 });
  });

  it('splits a large version into parts', async () => {
    const { root, create, delivered, createReady } = await openDestinations({ destinationPartRows: 20 });
    const id = await create({});
    const campaign = await createReady();
    await delivered(id);
    const { files } = manifestOf(root, 'a/b', campaign, '1');
    expect(files.map(({ rows }: { rows: number }) => rows)).toEqual([20, 20, 10]);
    const ranks = files.flatMap(({ name }: { name: string }) =>
      text(root, 'a/b', campaign, '1', name).trim().split('\r\n').slice(1),
    );
    expect(ranks.map((line: string) => Number(line.split(',')[0]))).toEqual(
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
  });

  it('repairs a version that is written again, with the same bytes, and names the active version', async () => {
    const { root, create, delivered, createReady, call, resize } = await openDestinations();
    const id = await create({});
    const campaign = await createReady();
    await delivered(id);
    await resize(campaign, 60);
    await delivered(id);
    const folder = join(root, 'a/b', campaign);
    const before = [text(folder, '1/part-00000.csv'), text(folder, '1/_manifest.json')];
    rmSync(join(folder, '1/part-00000.csv'));
    writeFileSync(join(folder, '1/.putting-x'), 'the part of a killed writer');
    writeFileSync(join(folder, '1/part-00009.csv'), 'of somebody else');
    await call('PUT', `/v1/campaigns/${campaign}/audience`, { version: 1 });
    expect((await delivered(id))[0]).toMatchObject({ type: 'campaign.activated', audience_version: 1 });
    expect([text(folder, '1/part-00000.csv'), text(folder, '1/_manifest.json')]).toEqual(before);
    expect(readdirSync(join(folder, '1')).sort()).toEqual(['_manifest.json', 'part-00000.csv']);
    expect(JSON.parse(text(folder, '_active.json'))).toEqual({ version: 1 });
  });

  it('receives differences in the mode of deltas, after a first full version', async () => {
    const { root, create, delivered, createReady, resize } = await openDestinations();
    const ids = [
      await create({ mode: 'deltas', path: 'csv' }),
      await create({ mode: 'deltas', path: 'gz', format: 'csv.gz' }),
      await create({ mode: 'deltas', path: 'parquet', format: 'parquet' }),
    ];
    const campaign = await createReady();
    for (const id of ids) await delivered(id);
    await resize(campaign, 52);
    for (const id of ids) await delivered(id);
    const of = (path: string, version: string) => join(root, path, campaign, version);
    expect(manifestOf(of('csv', '1'))).toMatchObject({ kind: 'full', previous_version: null });
    expect(manifestOf(of('csv', '2'))).toMatchObject({ kind: 'delta', previous_version: 1, rows: 2 });
    const csv = text(of('csv', '2'), 'part-00000.csv');
    expect(csv).toMatch(/^change,user_id\r\nadded,[^\r]+\r\nadded,[^\r]+\r\n$/);
    expect(gunzipSync(readFileSync(join(of('gz', '2'), 'part-00000.csv.gz'))).toString()).toBe(csv);
    const rows = csv.trim().split('\r\n').slice(1);
    const file = new Uint8Array(readFileSync(join(of('parquet', '2'), 'part-00000.parquet'))).buffer;
    expect(await parquetReadObjects({ file })).toEqual(
      rows.map((row) => ({ change: 'added', user_id: row.slice('added,'.length) })),
    );
  });

  it('receives only campaigns with its labels', async () => {
    const { root, create, delivered, createReady, call } = await openDestinations();
    const id = await create({ labels: { team: 'growth' } });
    await createReady();
    expect((await call('GET', `/v1/destinations/${id}/deliveries`)).json.items).toEqual([]);
    const campaign = await createReady({ ...OK_BODY, labels: { team: 'growth', country: 'de' } });
    await delivered(id);
    expect(readdirSync(join(root, 'a/b'))).toEqual([campaign]);
  });

  it('receives a cut without the users who are held out, and of versions with this cut only', async () => {
    const { root, create, delivered, createReady, call } = await openDestinations({ destinationPartRows: 20 });
    const id = await create({ cut: 'second', mode: 'deltas' });
    await createReady();
    const cuts = [{ name: 'second', from_size: 30, to_size: 80 }];
    const campaign = await createReady({ ...OK_BODY, holdout_percent: 20, cuts });
    expect(await delivered(id)).toHaveLength(1);
    const folder = join(root, 'a/b', campaign);
    const part = (version: string, number: number) => text(folder, version, `part-0000${number}.csv`).split('\r\n');
    const rows = [0, 1, 2].flatMap((number) => part('1', number).slice(1, -1));
    const path = `/v1/campaigns/${campaign}/audience?cut=second`;
    const whole = await call('GET', path, undefined, { accept: 'text/csv' });
    expect(rows).toEqual(whole.text.split('\r\n').slice(1, -1));
    expect(rows.length).toBeLessThan(50);
    expect(manifestOf(folder, '1')).toMatchObject({ cut: 'second', kind: 'full', rows: rows.length });
    await call('PATCH', `/v1/campaigns/${campaign}`, { cuts: [{ name: 'second', from_size: 30, to_size: 79 }] });
    await delivered(id);
    expect(manifestOf(folder, '2')).toMatchObject({ cut: 'second', kind: 'delta' });
    expect((await call('PATCH', `/v1/destinations/${id}`, { cut: null })).json.cut).toBe(null);
    await call('PATCH', `/v1/campaigns/${campaign}`, { audience: { size: 55 } });
    await delivered(id);
    expect(manifestOf(folder, '3')).toMatchObject({ cut: null, kind: 'full' });
  });

  it('receives identifiers instead of user ids, without the users who have none', async () => {
    const { root, create, delivered, createReady, call, resize } = await openDestinations({}, identified);
    const id = await create({ identifier: 'email:uid2', mode: 'deltas' });
    const campaign = await createReady();
    await delivered(id);
    const folder = join(root, 'a/b', campaign);
    const path = `/v1/campaigns/${campaign}/audience?identifier=email&rule=uid2`;
    const whole = await call('GET', path, undefined, { accept: 'text/csv' });
    const without = Number(whole.headers['x-without-identifier']);
    expect(text(folder, '1/part-00000.csv')).toBe(whole.text);
    expect(without).toBeGreaterThan(0);
    const contents = { identifier: 'email:uid2', identifiers_version: identified.version };
    const first = { ...contents, kind: 'full', rows: 50 - without, without_identifier: without };
    expect(manifestOf(folder, '1')).toMatchObject(first);
    await resize(campaign, 60);
    await delivered(id);
    const second = manifestOf(folder, '2');
    expect(second).toMatchObject({ ...contents, kind: 'delta' });
    expect(second.rows + second.without_identifier - without).toBe(10);
    for (const line of text(folder, '2/part-00000.csv').trim().split('\r\n').slice(1))
      expect(line).toMatch(/^added,[\w+/]{43}=$/);
    // the identifiers of users may differ between population versions
    writeFileSync(join(folder, '2/_manifest.json'), JSON.stringify({ ...second, identifiers_version: 'older' }));
    await resize(campaign, 62);
    await delivered(id);
    expect(manifestOf(folder, '3')).toMatchObject({ kind: 'full', rows: expect.any(Number) });
    expect((await call('PATCH', `/v1/destinations/${id}`, { identifier: null })).json.identifier).toBe(null);
    await resize(campaign, 64);
    await delivered(id);
    const users = { identifier: null, identifiers_version: null, without_identifier: null };
    expect(manifestOf(folder, '4')).toMatchObject({ ...users, kind: 'full', rows: 64 });
  });

  it('fails, and is retried, while the population does not have its identifiers', async () => {
    const { store, create, createReady, call, webhooks } = await openDestinations({}, identified);
    const place = { kind: 'folder', path: 'c' } as const;
    const files = { format: 'csv', mode: 'full', labels: {}, cut: null, identifier: 'phone:meta' } as const;
    const { id } = await store.destinations.create({ name: 'ads', place, ...files }, 10, Date.now());
    await createReady();
    await vi.waitFor(async () => {
      webhooks.wake();
      const [newest] = (await call('GET', `/v1/destinations/${id}/deliveries`)).json.items;
      expect(newest).toMatchObject({ state: 'pending', attempts: 1, last_error: 'identifiers_missing' });
    });
    const other = await create({});
    const given = { name: 'ads', ...place, identifier: 'phone:meta' };
    for (const answer of [
      await call('POST', '/v1/destinations', given),
      await call('PATCH', `/v1/destinations/${other}`, { identifier: 'email:sha256' }),
    ]) {
      expect(answer.json).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/identifier' }] });
      expect(answer.json.detail).toContain('the population has no identifiers of the type');
    }
  });

  it('fails for good if the campaign is gone, and is retried after other errors', async () => {
    const { root, create, delivered, createReady, call, webhooks } = await openDestinations();
    const id = await create({});
    const gone = await createReady();
    await call('DELETE', `/v1/campaigns/${gone}`);
    expect((await delivered(id, 'failed'))[0]).toMatchObject({ attempts: 1, last_error: 'campaign_not_found' });
    writeFileSync(join(root, 'a'), 'a file instead of a folder');
    await createReady();
    webhooks.wake();
    await vi.waitFor(async () => {
      const [newest] = (await call('GET', `/v1/destinations/${id}/deliveries`)).json.items;
      expect(newest).toMatchObject({ state: 'pending', attempts: 1, last_error: 'ENOTDIR' });
    });
  });
});

describe('a bucket as destination', () => {
  it('receives versions, is tested, and shows no credentials', async () => {
    const s3 = await startOwnS3();
    stubCredentials(s3);
    const { create, delivered, createReady, call, log } = await openDestinations();
    const place = { kind: 's3', path: undefined, bucket: s3.bucket, prefix: 'out', endpoint: s3.endpoint };
    const id = await create({ ...place, format: 'parquet' });
    const test = await call('POST', `/v1/destinations/${id}/test`);
    expect(test.json).toEqual({ ok: true, error: null, seconds: expect.any(Number) });
    const campaign = await createReady();
    await delivered(id);
    const { credentials } = s3;
    const client = s3Client(s3);
    const listed = await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
    const keys = listed.Contents!.map(({ Key }) => Key);
    const folder = `out/${campaign}`;
    expect(keys).toEqual([`${folder}/1/_manifest.json`, `${folder}/1/part-00000.parquet`, `${folder}/_active.json`]);
    const got = await client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: keys[1] }));
    const file = new Uint8Array(await got.Body!.transformToByteArray()).buffer;
    expect(await parquetReadObjects({ file })).toHaveLength(50);
    const shown = (await call('GET', `/v1/destinations/${id}`)).text + log();
    expect(shown).not.toContain(credentials.secretAccessKey);
    client.destroy();
    await s3.close();
  });
});

describe.skipIf(!HAS_MOTO)('a bucket of moto as destination', () => {
  it('receives a large version in a multipart upload, and its manifest last', async () => {
    const s3 = await startMoto();
    onTestFinished(() => s3.close());
    stubCredentials(s3);
    onTestFinished(() => void vi.unstubAllEnvs());
    const ids = Array.from({ length: LARGE }, (_, i) => `${i}`.padStart(ID_BYTES, 'person-'));
    const large = await importUsers([...SEEDS, ...ids]);
    const { create, delivered, createReady, call } = await openDestinations({}, large);
    const id = await create({ kind: 's3', path: undefined, bucket: s3.bucket, prefix: 'out', endpoint: s3.endpoint });
    const campaign = await createReady({ ...OK_BODY, audience: { size: LARGE } });
    await delivered(id);
    const client = s3Client(s3);
    const objects = (await client.send(new ListObjectsV2Command({ Bucket: s3.bucket }))).Contents!;
    const folder = `out/${campaign}`;
    const names = [`${folder}/1/_manifest.json`, `${folder}/1/part-00000.csv`, `${folder}/_active.json`];
    expect(objects.map(({ Key }) => Key)).toEqual(names);
    const [manifest, part] = objects;
    // of a multipart upload
    expect(part!.ETag).toMatch(/-2"$/);
    expect(manifest!.LastModified!.getTime()).toBeGreaterThanOrEqual(part!.LastModified!.getTime());
    const got = await client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: names[1] }));
    const whole = await call('GET', `/v1/campaigns/${campaign}/audience`, undefined, { accept: 'text/csv' });
    expect((await got.Body!.transformToString()) === whole.text).toBe(true);
    client.destroy();
  });
});

describe('destinations', () => {
  it('are listed, tested and deleted', async () => {
    const { root, create, call } = await openDestinations();
    const [first, second] = [await create({ path: 'one' }), await create({ path: 'two' })];
    const { json } = await call('GET', '/v1/destinations');
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual([second, first]);
    expect(json.items[1]).toMatchObject({ kind: 'folder', path: 'one', bucket: null, format: 'csv', mode: 'full' });
    expect((await call('GET', '/v1/webhooks')).json.items).toEqual([]);
    expect((await call('POST', `/v1/destinations/${first}/test`)).json).toMatchObject({ ok: true, error: null });
    expect(readdirSync(join(root, 'one'))).toEqual([]);
    writeFileSync(join(root, 'two'), '');
    expect((await call('POST', `/v1/destinations/${second}/test`)).json).toMatchObject({
      ...{ ok: false, error: expect.stringContaining('EEXIST') },
    });
    expect((await call('DELETE', `/v1/destinations/${first}`)).status).toBe(204);
    expect((await call('GET', `/v1/destinations/${first}`)).json.code).toBe('destination_not_found');
    expect((await call('GET', `/v1/webhooks/${second}`)).json.code).toBe('webhook_not_found');
  });

  it.each([
    [{ kind: 'folder', path: '../outside' }],
    [{ kind: 'folder', path: '/etc' }],
    [{ kind: 'folder', path: 'a/../../b' }],
    [{ kind: 'folder', path: 'link/x' }],
    [{ kind: 's3', bucket: 'audiences', endpoint: 'https://169.254.169.254' }],
    [{ kind: 's3', bucket: 'audiences', endpoint: 'http://example.com' }],
    [{ kind: 's3', bucket: 'UPPER' }],
    [{ kind: 's3', bucket: 'audiences', prefix: '../x' }],
  ])('are refused at %j', async (place) => {
    const { root, call } = await openDestinations();
    mkdirSync(join(root, 'inside'));
    symlinkSync('/tmp', join(root, 'link'));
    const { status, json } = await call('POST', '/v1/destinations', { name: 'x', ...place });
    expect([status, json.code]).toEqual([400, 'destination_refused']);
  });

  it('are changed, paused and resumed, unless another caller has changed them', async () => {
    const { root, create, delivered, createReady, call, webhooks } = await openDestinations();
    const id = await create({});
    const path = `/v1/destinations/${id}`;
    const { etag } = (await call('GET', path)).headers;
    const change = { name: 'store', format: 'csv.gz', labels: { team: 'growth' }, paused: true };
    const changed = await call('PATCH', path, change, { 'if-match': String(etag) });
    expect(changed.json).toMatchObject({ ...change, kind: 'folder', path: 'a/b', mode: 'full', cut: null });
    expect((await call('PATCH', path, { paused: false }, { 'if-match': String(etag) })).status).toBe(412);
    const campaign = await createReady({ ...OK_BODY, labels: { team: 'growth' } });
    webhooks.wake();
    expect((await call('GET', `${path}/deliveries`)).json.items).toMatchObject([{ state: 'pending', attempts: 0 }]);
    const again = `${path}/deliveries/${(await call('GET', `${path}/deliveries`)).json.items[0].id}/replay`;
    expect((await call('POST', again)).status).toBe(202);
    expect(readdirSync(root)).toEqual([]);
    expect((await call('PATCH', path, { paused: false })).json).toMatchObject({ name: 'store', paused: false });
    expect(await delivered(id)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
    expect(readdirSync(join(root, 'a/b', campaign, '1'))).toContain('part-00000.csv.gz');
    for (const wrong of [{}, { path: 'elsewhere' }, { format: 'xml' }, { cut: '1st' }])
      expect((await call('PATCH', path, wrong)).status).toBe(400);
    const entries = (await call('GET', '/v1/audit')).text;
    expect(entries).toContain('updateDestination');
  });

  it('show and log no credentials, not even those that an error repeats', async () => {
    const server = createServer(({ headers }, response) => {
      const sent = `${headers.authorization} x-amz-security-token: ${headers['x-amz-security-token']}`;
      const told = `<Error><Code>Refused</Code><Message>${sent}</Message></Error>`;
      response.writeHead(403, { 'content-type': 'application/xml' }).end(told);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const secrets = { AWS_ACCESS_KEY_ID: 'a-key-id', AWS_SECRET_ACCESS_KEY: 'a-secret', AWS_SESSION_TOKEN: 'a-token' };
    for (const [name, value] of Object.entries(secrets)) vi.stubEnv(name, value);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { create, delivered, createReady, call, log } = await openDestinations({ webhookRetryMs: 0 });
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const id = await create({ kind: 's3', path: undefined, bucket: 'audiences', endpoint });
    const test = await call('POST', `/v1/destinations/${id}/test`);
    expect(test.json).toMatchObject({ ok: false });
    await createReady();
    const [delivery] = await delivered(id, 'failed');
    const seen = [test.text, JSON.stringify(delivery), (await call('GET', `/v1/destinations/${id}`)).text, log()];
    expect(test.json.error).toContain('Credential=..., ');
    for (const text of seen) expect(text).not.toMatch(/a-key-id|a-secret|a-token|Signature=[0-9a-f]/);
  });

  it('show where they write to only keys of scope admin', async () => {
    const apiKey = 'the-key-of-the-operator';
    const operator = { authorization: `Bearer ${apiKey}` };
    const { call } = await openDestinations({ apiKey });
    const given = { name: 'warehouse', kind: 'folder', path: 'a/b' };
    const { id } = (await call('POST', '/v1/destinations', given, operator)).json;
    const scopes = ['admin', 'write', 'read'].map(async (scope) => {
      const { json } = await call('POST', '/v1/keys', { name: scope, scope }, operator);
      return { authorization: `Bearer ${json.key}` };
    });
    const keys = await Promise.all(scopes);
    const seen = async (path: string) => Promise.all(keys.map((key) => call('GET', path, undefined, key)));
    const [admin, ...others] = await seen(`/v1/destinations/${id}`);
    expect(admin!.json).toMatchObject({ id, path: 'a/b', bucket: null });
    const place = ['path', 'bucket', 'prefix', 'endpoint', 'region', 'profile'];
    const rest = Object.fromEntries(Object.entries(admin!.json).filter(([name]) => !place.includes(name)));
    for (const { json } of others) expect(json).toEqual(rest);
    const lists = await seen('/v1/destinations');
    expect(lists.map(({ json }) => json.items)).toEqual([[admin!.json], [rest], [rest]]);
    for (const { status } of await seen(`/v1/destinations/${id}/deliveries`)) expect(status).toBe(200);
  });

  it('are limited in number', async () => {
    const { create, call } = await openDestinations({ maximumDestinations: 1 });
    await create({});
    const { json } = await call('POST', '/v1/destinations', { name: 'x', kind: 'folder', path: 'c' });
    expect(json.code).toBe('too_many_destinations');
  });
});
