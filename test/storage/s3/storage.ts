/** Blobs in a server of object storage, for tests. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../../src/lib/clock.ts';
import { type OpenedS3, openS3, type S3Options } from '../../../src/storage/s3/open-s3.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import type { TestS3 } from '../../fixture/s3.ts';

export interface OpenSettings extends Partial<S3Options> {
  /** A proxy before the server. */
  readonly endpoint?: string;
  readonly cacheFolder?: string;
}

/** Opens the same empty prefix of a bucket each time, as another host would. */
export function newS3(server: TestS3): (settings?: OpenSettings) => OpenedS3 {
  const prefix = `test/${randomUUID()}`;
  return ({ endpoint = server.endpoint, cacheFolder = temporaryFolder(), ...options } = {}) =>
    openS3(
      { url: `s3://${server.bucket}/${prefix}?endpoint=${endpoint}`, cacheFolder },
      { clock: systemClock, credentials: server.credentials, ...options },
    );
}
