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
import { prunePublished } from '../../../src/population/share.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { HAS_MOTO, startMoto } from '../../fixture/moto.ts';
import { s3Client, startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import {
  importInto,
  now,
  openIn,
  openMirror,
  publish,
  pull,
  rowsOf,
  users,
} from '../../population/share/shared-support.ts';
import { importUsers } from '../../population/support.ts';
import { type Asked, FaultyGate } from './faulty-gate.ts';
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
    const { result: second } = await importInto(files, users(0, USERS + 5));
    expect(await everything()).not.toContain('user-70001');
    await two.sync();
    const there = await openIn(two);
    expect(there.version).toBe(second.version);
    const found = ['user-7', 'user-8', 'user-70001', 'user-70002'].map((id) => there.directory.find(id));
    // the import left the erased user out, so the next user got the number
    expect(found).toEqual([-1, 8, -1, 70_001]);

    expect(await prunePublished(files, { keep: 1, served: [], now })).toMatchObject({ versions: [first.version] });
    const other = await pull(open().files('shared'));
    expect(await rowsOf(openPopulation(other))).toEqual(await rowsOf(there));
    for (const mirror of [one, two]) mirror.close();
  });
});

describe('an import into object storage', () => {
  let server: TestS3;
  beforeAll(async () => {
    server = await startOwnS3();
  });
  afterAll(() => server.close());

  /** Segments of several parts. */
  const wide = (count: number) =>
    users(0, count).map((user, i) => ({
      ...user,
      likes: Array.from({ length: 24 }, (_, j) => `like ${(i * j) % 97}`),
    }));

  it('gives the version of a folder, although requests are refused and answers lost', async () => {
    const open = newS3(server);
    const gate = await FaultyGate.start(server.endpoint);
    try {
      const from = wide(USERS);
      const out = join(temporaryFolder(), 'population');
      const { version } = await importUsers(join(temporaryFolder(), 'data'), out, from);
      let requests = 0;
      // never twice in a row
      gate.faultOf = () => (++requests % 2 === 0 ? null : (['lost', 503, null, 500] as const)[(requests >> 1) % 4]!);
      const limits = { blobPartBytes: 5 * 1024 ** 2 };
      const files = open({ endpoint: gate.endpoint, limits }).files('shared');
      const { result, stored } = await importInto(files, from);
      expect(result.version).toBe(version);
      expect(stored).toMatchObject({ files: 3, known: 0 });
      expect(gate.count('POST', 'uploads')).toBeGreaterThan(0);
      const mirror = await openMirror(open().files('shared'));
      expect(mirror.index).toMatchObject({ versions: [{ version }], incoming: [] });
      expect(await rowsOf(await openIn(mirror))).toEqual(await rowsOf(openPopulation(out)));
      mirror.close();
    } finally {
      await gate.close();
    }
  });

  it('ends if the storage stays unavailable, publishes nothing, and continues later', async () => {
    const open = newS3(server);
    const gate = await FaultyGate.start(server.endpoint);
    try {
      const limits = { blobPatienceMs: 500 };
      const files = open({ endpoint: gate.endpoint, limits }).files('shared');
      const isSegment = ({ method, url }: Asked) => method === 'PUT' && url.includes('/files/');
      gate.faultOf = (asked) => (isSegment(asked) && gate.asked.filter(isSegment).length > 1 ? 503 : null);
      await expect(importInto(files, users(0, USERS))).rejects.toMatchObject({ code: 'storage_failed' });
      const mirror = await openMirror(open().files('shared'));
      expect(mirror.index).toMatchObject({ versions: [], incoming: [] });
      gate.faultOf = () => null;
      const { result, stored } = await importInto(files, users(0, USERS));
      expect(stored).toMatchObject({ files: 2, known: 1 });
      await mirror.sync();
      expect(mirror.newest).toBe(result.version);
      mirror.close();
    } finally {
      await gate.close();
    }
  });
});
