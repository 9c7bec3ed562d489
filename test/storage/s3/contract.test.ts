/** The contract of blobs, in a small S3 server and in moto. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeBlobFiles } from '../../domain/contract/blob-files.ts';
import { describeBlobPort } from '../../domain/contract/blob-port.ts';
import { HAS_MOTO, startMoto } from '../../fixture/moto.ts';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { newS3 } from './storage.ts';

const SERVERS = [
  { name: 'the small server', start: () => startOwnS3(), isHere: true },
  { name: 'moto', start: startMoto, isHere: HAS_MOTO },
];

it.runIf(process.env['CI'] && !HAS_MOTO)('SKIPPED outside of CI: needs moto_server', () => {
  expect(HAS_MOTO).toBe(true);
});

describe.each(SERVERS.filter(({ isHere }) => isHere))('in $name', ({ name, start }) => {
  let server: TestS3;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.close());

  describeBlobPort(() => {
    const open = newS3(server);
    return async () => open().blobs;
  });
  // older versions of moto ignore If-Match, on which single files depend
  if (name !== 'moto')
    describeBlobFiles(() => {
      const open = newS3(server);
      return () => open().files('models');
    });
});
