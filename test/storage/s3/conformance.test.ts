/** Servers of object storage are put to the list of what we need of one. */
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { HAS_MOTO, startMoto } from '../../fixture/moto.ts';
import { s3Client, startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { CHECKS, failuresOf } from './conformance.ts';

/** Moto never compares the sha256, and ignores If-Match of deletes; Debian's 5.1.1 also ignores If-Match of puts. */
const MOTO_LACKS = [
  'put with If-Match replaces only what was read',
  'put with If-Match of 8 writers at once: one wins',
  'put with a wrong sha256 is refused',
  'delete with If-Match spares what was replaced',
];

async function conformanceOf(start: () => Promise<TestS3>): Promise<string[]> {
  const server = await start();
  try {
    const client = s3Client(server);
    await client.send(new CreateBucketCommand({ Bucket: 'versioned' }));
    const failures = await failuresOf({ client, bucket: server.bucket, versioned: 'versioned' });
    return [...failures.keys()];
  } finally {
    await server.close();
  }
}

describe('object storage', () => {
  it('is what the small server of the tests offers', async () => {
    expect(CHECKS.length).toBe(17);
    expect(await conformanceOf(() => startOwnS3())).toEqual([]);
  });

  it.runIf(process.env['CI'] && !HAS_MOTO)('SKIPPED outside of CI: needs moto_server', () => {
    expect(HAS_MOTO).toBe(true);
  });
  it.runIf(HAS_MOTO)('is what moto offers, with exceptions in older versions', async () => {
    const failures = await conformanceOf(startMoto);
    expect(failures.filter((name) => !MOTO_LACKS.includes(name))).toEqual([]);
  });
});
