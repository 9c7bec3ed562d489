/** A cluster on object storage: what it must be able to do, and what its rules keep of what is deleted. */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
} from '@aws-sdk/client-s3';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { describeWithPostgres, openPostgres } from '../../fixture/postgres.ts';
import { s3Client, startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { tinyWorld } from '../../fixture/tiny-world.ts';
import { FaultyGate } from '../../storage/s3/faulty-gate.ts';
import { openCluster, type TestCluster } from './start-cluster.ts';

const KEY = 'an-admin-key-for-tests';

let cluster: TestCluster;
let s3: TestS3;
beforeEach(async () => {
  cluster = await openCluster(openPostgres());
  s3 = await startOwnS3();
  stubCredentials(s3);
});
afterEach(async () => {
  await cluster.close();
  await s3.close();
  vi.unstubAllEnvs();
});

async function asOwner(...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.store });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

describeWithPostgres('a node', () => {
  it('does not start on a storage that ignores conditions of writes', async () => {
    const gate = await FaultyGate.start(s3.endpoint);
    onTestFinished(() => gate.close());
    gate.ignored = 'if-none-match';
    const blobs = `s3://${s3.bucket}/p?endpoint=${gate.endpoint}`;
    const { model, population } = await tinyWorld();
    await expect(cluster.startNode({ blobs, model, population })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining('ignores If-None-Match') },
    });
    await expect(cluster.startEngine({ blobs, model, population })).rejects.toThrow('ignores If-None-Match');
  });

  it('does not start if its user may not make the tables that are missing', async () => {
    const role = `r${randomUUID().slice(0, 8)}`;
    await asOwner(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`, 'REVOKE CREATE ON SCHEMA public FROM PUBLIC');
    const store = new URL(cluster.store);
    [store.username, store.password] = [role, 'x'];
    await expect(cluster.startNode({ store: store.href })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', message: expect.stringContaining('grant CREATE') },
    });
    await asOwner(`DROP ROLE ${role}`);
  });

  it('says after an erasure what a legal hold keeps', async () => {
    const client = s3Client(s3);
    const Bucket = `held-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    let logged = '';
    const lines = new Writable({
      write: (chunk, _, done) => {
        logged += String(chunk);
        done();
      },
    });
    const { model, population, campaigns } = await tinyWorld();
    const { seeds, features } = campaigns[0]!;
    const blobs = `s3://${Bucket}/p?endpoint=${s3.endpoint}`;
    const { url } = await cluster.startNode({ blobs, model, population, apiKey: KEY, logger: pino({}, lines) });
    const call = async (method: string, path: string, body?: object) => {
      const headers = { authorization: `Bearer ${KEY}`, ...(body && { 'content-type': 'application/json' }) };
      const response = await fetch(`${url}${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) });
      const kept = response.headers.get('x-kept-versions');
      return { status: response.status, kept, text: await response.text() };
    };
    const made = await call('POST', '/v1/campaigns', { name: 'a', features, seeds, audience: { size: 20 } });
    expect([made.status, made.text]).toEqual([202, made.text]);
    const { Versions = [] } = await client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'p/seeds' }));
    expect(Versions.length).toBeGreaterThan(0);
    const LegalHold = { Status: 'ON' } as const;
    for (const { Key, VersionId } of Versions)
      await client.send(new PutObjectLegalHoldCommand({ Bucket, Key, VersionId, LegalHold }));
    const erased = await call('DELETE', `/v1/users/${encodeURIComponent(seeds[0]!)}`);
    expect([erased.status, erased.kept]).toEqual([204, '1']);
    const audited = (await call('GET', '/v1/audit')).text.split('\n').filter((line) => line.includes('eraseUser'));
    expect(audited.map((line) => JSON.parse(line))).toMatchObject([
      { resource: 'user', resource_id: null, status: 204 },
      { resource: 'kept_versions', resource_id: '1', status: 204 },
    ]);
    const entries = logged.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    expect(entries.find(({ reason }) => reason === 'a legal hold')).toMatchObject({ level: 40 });
    expect(entries.find(({ keptVersions }) => keptVersions !== undefined)).toMatchObject({
      ...{ users: 1, sets: 1, keptVersions: 1, msg: 'users erased, but the bucket keeps versions of their files' },
    });
    const { text: metrics } = await call('GET', '/metrics');
    expect(metrics).toMatch(/^metaheac_kept_versions_total 1$/m);
    expect(metrics).toMatch(/^metaheac_blob_cache_misses_total [1-9]/m);
    expect(metrics).toMatch(/^metaheac_blob_cache_fetched_bytes_total [1-9]/m);
    client.destroy();
  });

  it('says after an erasure that the storage does not tell what it keeps', async () => {
    const gate = await FaultyGate.start(s3.endpoint);
    onTestFinished(() => gate.close());
    gate.faultOf = ({ method, url }) => (method === 'GET' && /[?&]version(ing|s)/.test(url) ? 'forbidden' : null);
    const { model, population, campaigns } = await tinyWorld();
    const { seeds, features } = campaigns[0]!;
    const blobs = `s3://${s3.bucket}/p?endpoint=${gate.endpoint}`;
    const { url } = await cluster.startNode({ blobs, model, population, apiKey: KEY });
    const headers = { authorization: `Bearer ${KEY}` };
    const made = await fetch(`${url}/v1/campaigns`, {
      ...{ method: 'POST', headers: { ...headers, 'content-type': 'application/json' } },
      body: JSON.stringify({ name: 'a', features, seeds, audience: { size: 20 } }),
    });
    expect(made.status).toBe(202);
    const path = `${url}/v1/users/${encodeURIComponent(seeds[0]!)}`;
    const erased = await fetch(path, { method: 'DELETE', headers });
    expect([erased.status, erased.headers.get('x-kept-versions')]).toEqual([204, 'unknown']);
  });
});
