/** A population in object storage: published, mirrored, and erased from every version of every object. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPopulation } from '../../../src/population/read.ts';
import { prunePublished, pullPopulation } from '../../../src/population/share.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { HAS_MOTO, s3Client, startMoto, startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { now, openIn, openMirror, publish, rowsOf, users } from '../../population/share/shared-support.ts';
import { importUsers } from '../../population/support.ts';
import { newS3 } from './storage.ts';

const SERVERS = [
  { name: 'the small server', start: startOwnS3, isHere: true },
  { name: 'moto', start: startMoto, isHere: HAS_MOTO },
];
/** Two segments. */
const USERS = 70_000;

describe.each(SERVERS.filter(({ isHere }) => isHere))('a population in a versioned bucket of $name', ({ start }) => {
  let server: TestS3;
  const bucket = `versioned-${randomUUID()}`;
  beforeAll(async () => {
    server = await start();
    const client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  });
  afterAll(() => server.close());

  /** The bytes of all versions of all objects, as text. */
  async function everything(): Promise<string> {
    const client = s3Client(server);
    const { Versions = [], IsTruncated } = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    expect(IsTruncated).not.toBe(true);
    const texts = await Promise.all(
      Versions.map(async ({ Key, VersionId }) => {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key, VersionId }));
        return Buffer.from(await Body!.transformToByteArray()).toString('latin1');
      }),
    );
    return texts.join('\n');
  }

  it('is mirrored and updated, and no version of an object keeps the id of an erased user', async () => {
    const open = newS3({ ...server, bucket });
    const files = open().files('shared');
    const [source, out] = [join(temporaryFolder(), 'data'), join(temporaryFolder(), 'population')];
    const first = await importUsers(source, out, users(0, USERS));
    await publish(out, files);
    const [one, two] = [await openMirror(files), await openMirror(open().files('shared'))];
    expect(await rowsOf(await openIn(two))).toEqual(await rowsOf(openPopulation(out)));

    await one.erase(['user-7', 'user-70001'], await openIn(one));
    expect(await everything()).toContain('user-7u');
    expect(await one.redact()).toBe(1);
    expect(await everything()).not.toContain('user-7u');
    const second = await importUsers(source, out, users(0, USERS + 5));
    await publish(out, files);
    expect(await everything()).not.toContain('user-70001');
    await two.sync();
    const there = await openIn(two);
    expect(there.version).toBe(second.version);
    const found = ['user-7', 'user-8', 'user-70001', 'user-70002'].map((id) => there.directory.find(id));
    expect(found).toEqual([-1, 8, -1, 70_002]);

    expect(await prunePublished(files, { keep: 1, served: [], now })).toMatchObject({ versions: [first.version] });
    const other = join(temporaryFolder(), 'other');
    expect(await pullPopulation(open().files('shared'), other, null)).toMatchObject({ version: second.version });
    expect(await rowsOf(openPopulation(other))).toEqual(await rowsOf(there));
    for (const mirror of [one, two]) mirror.close();
  });
});
