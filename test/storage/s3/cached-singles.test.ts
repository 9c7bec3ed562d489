/** Single files in the local cache, which are kept apart from others, so that they can be removed. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFile } from '../../domain/contract/blob-port.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { openFiles } from '../../fixture/open-files.ts';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { newS3 } from './storage.ts';

let server: TestS3;
beforeAll(async () => {
  server = await startOwnS3();
});
afterAll(() => server.close());

/** The files in a cache. */
function names(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((file) =>
    file.isFile() ? [join(file.parentPath, file.name)] : [],
  );
}

describe('single files in the cache', () => {
  it('are listed and removed by their names, and not kept open after they were read', async () => {
    const folder = temporaryFolder();
    const { blobs, singles } = newS3(server)({ cacheFolder: folder, limits: { blobPartBytes: 4 } });
    await writeFile(blobs, 'sets', 'a.bin', 'same bytes');
    await writeFile(blobs, 'sets', 'b.bin', 'same bytes');
    await blobs.publish('audiences/c/e', new Map([['a.bin', Buffer.from('same bytes')]]));
    for (const file of ['a.bin', 'b.bin']) await blobs.read('sets', file);
    await blobs.read('audiences/c/e', 'a.bin');
    expect([...(await singles.listSingles())].sort()).toEqual(['sets/a.bin', 'sets/b.bin']);
    expect(names(folder)).toHaveLength(9);
    expect(openFiles(join(folder, 'singles'))).toEqual([]);
    const open = await blobs.open('sets', 'a.bin', { whole: true });
    singles.forgetSingle('sets/a.bin');
    singles.forgetSingle('sets/a.bin');
    expect([await singles.listSingles(), names(folder).length]).toEqual([['sets/b.bin'], 6]);
    const bytes = Buffer.alloc(10);
    expect([open.read(bytes, 0), bytes.toString()]).toEqual([10, 'same bytes']);
    open.close();
    expect(openFiles(join(folder, 'singles'))).toEqual([]);
    blobs.close();
    expect(names(folder)).toHaveLength(3);
  });

  it('are removed first if they were not used for the longest time', async () => {
    const folder = temporaryFolder();
    const limits = { blobPartBytes: 1_024, blobCacheBytes: 4 * 1_024 };
    const { blobs, cache } = newS3(server)({ cacheFolder: folder, limits });
    for (let i = 0; i < 8; i++) {
      await writeFile(blobs, 'sets', `${i}.bin`, `${i}`.repeat(1_024));
      await blobs.read('sets', `${i}.bin`);
      expect(names(folder).length).toBeLessThanOrEqual(4);
    }
    expect([cache.evictions >= 4, (await blobs.read('sets', '0.bin')).length]).toEqual([true, 1_024]);
  });

  it('can be read although they are removed while they arrive', async () => {
    const { blobs, singles } = newS3(server)({ limits: { blobPartBytes: 1_024 } });
    await writeFile(blobs, 'sets', 'a.bin', 'a'.repeat(20 * 1_024));
    let isDone = false;
    const reading = blobs.read('sets', 'a.bin').finally(() => {
      isDone = true;
    });
    while (!isDone) {
      singles.forgetSingle('sets/a.bin');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await reading).length).toBe(20 * 1_024);
  });
});
