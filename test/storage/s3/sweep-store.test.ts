/** What killed writers left in the object storage of a store is removed, and nothing else. */
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { workFolder } from '../../../src/domain/ports/ranges.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { locateSharedStore, sweepBlobs } from '../../../src/storage/open-store.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { s3Client, startOwnS3, stubCredentials } from '../../fixture/s3.ts';

const HOUR_MS = 3600_000;
/** Nobody answers there: a sweep asks the storage only. */
const DATABASE = 'postgres://127.0.0.1:1/none';

describe('sweepBlobs', () => {
  it('removes a publication without a manifest when it is a day old', async () => {
    const server = await startOwnS3();
    onTestFinished(() => server.close());
    stubCredentials(server);
    onTestFinished(() => void vi.unstubAllEnvs());
    const client = s3Client(server);
    const publication = `${workFolder('e', 1)}/_5a0c1b4e-8b9e-4d55-9c0e-1f2f3a4b5c6d`;
    const keys = [`p/${publication}/customised.bin`, 'other/file'];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: 'x' }));
    const url = `s3://${server.bucket}/p?endpoint=${server.endpoint}`;
    const locator = locateSharedStore(DATABASE, { url, cacheFolder: temporaryFolder() });
    const hoursLater = (hours: number) => ({ ...systemClock, now: () => systemClock.now() + hours * HOUR_MS });
    const left = async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: server.bucket }));
      return Contents.map(({ Key }) => Key).sort();
    };
    expect([await sweepBlobs(locator, hoursLater(23)), await left()]).toEqual([0, keys.toSorted()]);
    expect([await sweepBlobs(locator, hoursLater(25)), await left()]).toEqual([1, ['other/file']]);
    client.destroy();
  });
});
