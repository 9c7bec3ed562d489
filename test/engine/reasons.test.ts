/** What callers read about failures of the environment: what failed, without paths and addresses. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../src/engine/expansion/reasons.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { withStorage } from '../../src/lib/files/durable-files.ts';
import { PostgresDatabase } from '../../src/storage/postgres/database/database.ts';
import { openS3 } from '../../src/storage/s3/open-s3.ts';
import { temporaryFolder } from '../fixture/folders.ts';
import { describeWithPostgres, openPostgres } from '../fixture/postgres.ts';
import { startOwnS3 } from '../fixture/s3.ts';

const errorOf = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing failed');
};

/** A file where a folder is needed. */
const diskError = () => {
  const folder = temporaryFolder();
  return errorOf(() => withStorage(`create ${folder}`, () => mkdirSync(join(folder, 'none', 'none'))));
};

describe('the reason of a failure', () => {
  it('names the data folder only if there is one', async () => {
    const error = await diskError();
    expect(reasonOf(error, false)).toEqual({
      ...{ code: 'storage_failed', errno: 'ENOENT', message: 'the data folder cannot be used (ENOENT): see the log' },
    });
    expect(reasonOf(error, true).message).toBe(
      'the object storage, or the cache of the engine, cannot be used (ENOENT): see the log',
    );
  });

  it('names the object storage if that fails', async () => {
    const server = await startOwnS3();
    const blobs = { url: `s3://no-such-bucket/p?endpoint=${server.endpoint}`, cacheFolder: temporaryFolder() };
    const opened = openS3(blobs, { clock: systemClock, credentials: server.credentials });
    const error = await errorOf(() => opened.blobs.list('seeds'));
    expect(reasonOf(error, true)).toMatchObject({
      ...{ code: 'storage_failed', message: expect.stringMatching(/^the object storage cannot be used \(\w+\): see/) },
    });
    opened.close();
    await server.close();
  });
});

describeWithPostgres('the reason of a failure of the database', () => {
  it('names the database', async () => {
    const url = new URL(await openPostgres());
    url.username = 'nobody';
    const database = new PostgresDatabase(url.href, 1);
    const error = await errorOf(() => database.get('SELECT 1 AS one'));
    expect(reasonOf(error, true).message).toMatch(/^the database cannot be used \(28\w+\): see the log$/);
    await database.close();
  });
});
