/** Postgres with its blobs in object storage fulfils those parts of the contract of stores that are about blobs. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, vi } from 'vitest';
import { describeBlobs } from '../../domain/contract/blobs.ts';
import { describeUserErasure } from '../../domain/contract/user-erasure.ts';
import { describeUserSets } from '../../domain/contract/user-sets.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { describeWithPostgres } from '../../fixture/postgres.ts';
import { startOwnS3, stubCredentials, type TestS3 } from '../../fixture/s3.ts';
import { sharedStore } from './shared-store.ts';

describeWithPostgres('Postgres with blobs in object storage', () => {
  let server: TestS3;
  beforeAll(async () => {
    server = await startOwnS3();
    stubCredentials(server);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await server.close();
  });

  const newData: typeof sharedStore = (options) => {
    const url = `s3://${server.bucket}/test/${randomUUID()}?endpoint=${server.endpoint}`;
    return sharedStore(options, { url, cacheFolder: temporaryFolder() });
  };
  describeBlobs(newData);
  describeUserSets(newData);
  describeUserErasure(newData);
});
