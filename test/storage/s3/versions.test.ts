/** Deletions in versioned buckets, which must leave no version of what is removed, in both servers. */
import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectLegalHoldCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { KeptVersions } from '../../../src/storage/s3/removal.ts';
import { put, textOf, writeFile } from '../../domain/contract/blob-port.ts';
import { HAS_MOTO, startMoto } from '../../fixture/moto.ts';
import { s3Client, startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { FaultyGate } from './faulty-gate.ts';
import { newS3, type TestStorage } from './storage.ts';

const FOLDER = 'audiences/c/e';
const SERVERS = [
  { name: 'the small server', start: () => startOwnS3(), isHere: true },
  { name: 'moto', start: startMoto, isHere: HAS_MOTO },
];

describe.each(SERVERS.filter(({ isHere }) => isHere))('a versioned bucket in $name', ({ start }) => {
  let server: TestS3;
  let client: S3Client;
  let Bucket: string;
  let open: TestStorage;
  beforeAll(async () => {
    server = await start();
    client = s3Client(server);
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    Bucket = `versioned-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    open = newS3({ ...server, bucket: Bucket });
  });

  /** Versions and delete markers in the bucket: all of them, and those that hold bytes. */
  async function versions() {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    return { all: Versions.length + DeleteMarkers.length, ofBytes: Versions };
  }

  it('holds no version of a single file that was removed', async () => {
    const { blobs } = open();
    for (const text of ['1', '2', '3']) await writeFile(blobs, 'sets', 'a.bin', text);
    await writeFile(blobs, 'sets', 'a.bin.b', 'stays');
    expect((await versions()).all).toBe(4);
    await blobs.deleteFile('sets', 'a.bin');
    expect(await blobs.hasFile('sets', 'a.bin')).toBe(false);
    expect((await versions()).ofBytes.map(({ Key }) => Key?.endsWith('a.bin.b'))).toEqual([true]);
    expect(await textOf(blobs, 'sets', 'a.bin.b')).toBe('stays');
  });

  it('holds no version of a folder that was removed, nor of its manifests', async () => {
    const { blobs } = open();
    for (const text of ['1', '2']) await put(blobs, FOLDER, text);
    await writeFile(blobs, FOLDER, 'b.bin', 'b');
    await blobs.delete(FOLDER);
    expect([await blobs.has(FOLDER), (await versions()).all]).toEqual([false, 0]);
    await put(blobs, FOLDER, '3');
    expect(await textOf(blobs, FOLDER)).toBe('3');
  });

  it('may keep versions under a legal hold, which is reported', async () => {
    const kept: KeptVersions[] = [];
    const { blobs } = open({ onKept: (each) => kept.push(each) });
    await writeFile(blobs, 'sets', 'a.bin', 'held');
    const [held] = (await versions()).ofBytes;
    const LegalHold = { Status: 'ON' } as const;
    await client.send(new PutObjectLegalHoldCommand({ Bucket, Key: held!.Key, VersionId: held!.VersionId, LegalHold }));
    await writeFile(blobs, 'sets', 'a.bin', 'free');
    await blobs.deleteFile('sets', 'a.bin');
    expect(await blobs.hasFile('sets', 'a.bin')).toBe(false);
    expect(kept).toEqual([{ keys: [held!.Key], versions: 1, reason: 'a legal hold' }]);
    expect((await versions()).ofBytes.map(({ VersionId }) => VersionId)).toEqual([held!.VersionId]);
  });

  it('are removed, or reported as unknown, if it is not told whether there are versions', async () => {
    const gate = await FaultyGate.start(server.endpoint);
    onTestFinished(() => gate.close());
    const refused: string[] = ['?versioning'];
    gate.faultOf = ({ method, url }) =>
      method === 'GET' && refused.some((part) => url.includes(part)) ? 'forbidden' : null;
    const kept: KeptVersions[] = [];
    const openBehind = () => open({ endpoint: gate.endpoint, onKept: (each) => kept.push(each) });
    const listing = openBehind();
    expect((await listing.rules()).versioning).toBe('unknown');
    for (const text of ['1', '2']) await writeFile(listing.blobs, 'sets', 'b.bin', text);
    await listing.blobs.deleteFile('sets', 'b.bin');
    // versions can be listed, so all were removed
    expect([(await versions()).all, kept]).toEqual([0, []]);
    refused.push('versions');
    const blind = openBehind();
    for (const text of ['1', '2']) await writeFile(blind.blobs, 'sets', 'b.bin', text);
    await blind.blobs.deleteFile('sets', 'b.bin');
    expect(await blind.blobs.hasFile('sets', 'b.bin')).toBe(false);
    expect(kept).toMatchObject([{ keys: [expect.stringContaining('b.bin')], versions: null }]);
    expect((await versions()).all).toBeGreaterThan(0);
  });

  it('says what its rules may keep', async () => {
    expect(await open().rules()).toMatchObject({ versioning: 'on', replication: 'off' });
    expect(await newS3(server)().rules()).toEqual({ versioning: 'off', objectLock: null, replication: 'off' });
  });
});
