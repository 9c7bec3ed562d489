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

export interface TestStorage {
  (settings?: OpenSettings): OpenedS3;
  /** The URL of the blobs behind an endpoint. */
  url(endpoint?: string): string;
}

/** Opens the same empty prefix of a bucket each time, as another host would. */
export function newS3(server: TestS3): TestStorage {
  const prefix = `test/${randomUUID()}`;
  const url = (endpoint = server.endpoint) => `s3://${server.bucket}/${prefix}?endpoint=${endpoint}`;
  // most tests are about objects, and their files are small
  const open = ({ endpoint, cacheFolder = temporaryFolder(), limits, ...options }: OpenSettings = {}) =>
    openS3(
      { url: url(endpoint), cacheFolder },
      {
        ...{ clock: systemClock, credentials: server.credentials },
        ...{ ...options, limits: { blobInlineBytes: 0, ...limits } },
      },
    );
  return Object.assign(open, { url });
}
