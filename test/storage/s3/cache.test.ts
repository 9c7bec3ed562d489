/** The local cache of blobs from object storage. */
import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest';
import { type OpenBlob, PartMissing, untilRead } from '../../../src/domain/ports/blobs.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import type { OpenedS3 } from '../../../src/storage/s3/open-s3.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { openFiles } from '../../fixture/open-files.ts';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { itUsual } from '../../fixture/size.ts';
import { FaultyGate } from './faulty-gate.ts';
import { newS3, type OpenSettings } from './storage.ts';

const PART = 1_024;
const FOLDER = 'audiences/c/e';

let server: TestS3;
let gate: FaultyGate;
let open: (settings?: OpenSettings) => OpenedS3;
let folder: string;
beforeAll(async () => {
  server = await startOwnS3();
});
afterAll(() => server.close());
beforeEach(async () => {
  gate = await FaultyGate.start(server.endpoint);
  folder = temporaryFolder();
  const opener = newS3(server);
  open = ({ limits, ...rest } = {}) =>
    opener({ endpoint: gate.endpoint, cacheFolder: folder, limits: { blobPartBytes: PART, ...limits }, ...rest });
});
afterEach(() => gate.close());

/** Bytes whose parts all differ. */
function bytesOf(parts: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(parts * PART);
  for (let i = 0; i < parts; i++) bytes.fill(`${seed}.${i};`, i * PART, (i + 1) * PART);
  return bytes;
}

async function publish({ blobs }: OpenedS3, bytes: Buffer, name = FOLDER): Promise<void> {
  await blobs.publish(name, new Map([['a.bin', bytes]]));
}

/** Requests for parts so far. */
const fetched = () => gate.count('GET', 'a.bin');

async function readPart(blob: OpenBlob, part: number): Promise<Buffer> {
  const target = Buffer.alloc(PART);
  await untilRead(() => blob.read(target, part * PART));
  return target;
}

/** The parts in the folder of the cache, by name. */
function cachedFiles(): string[] {
  const parts = join(folder, 'parts');
  return readdirSync(parts).flatMap((sub) => readdirSync(join(parts, sub)).map((name) => join(parts, sub, name)));
}

describe('an open blob', () => {
  itUsual('throws PartMissing until its part is here, and reads it without a promise afterwards', async () => {
    const s3 = open();
    const bytes = bytesOf(3);
    await publish(s3, bytes);
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    const target = Buffer.alloc(10);
    const read = () => blob.read(target, PART + 7);
    expect(read).toThrow(PartMissing);
    await untilRead(read);
    expect([read(), target.equals(bytes.subarray(PART + 7, PART + 17))]).toEqual([10, true]);
    expect(() => blob.read(target, 0)).toThrow(PartMissing);
    expect(s3.cache).toMatchObject({ misses: 1, fetchedBytes: PART });
    blob.close();
  });

  itUsual('reads across parts, of which the last is shorter', async () => {
    const s3 = open();
    const bytes = bytesOf(4).subarray(0, 3 * PART + 100);
    await publish(s3, bytes);
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    const target = Buffer.alloc(4 * PART);
    expect(await untilRead(() => blob.read(target, 50))).toBe(bytes.length - 50);
    expect(target.subarray(0, bytes.length - 50).equals(bytes.subarray(50))).toBe(true);
    blob.close();
  });

  itUsual('fetches ahead of a reader that goes from the beginning to the end', async () => {
    const s3 = open();
    await publish(s3, bytesOf(8));
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    // how many parts are here after each read that had to wait
    const here = new Map([
      [0, 1],
      [1, 4],
      [4, 7],
      [7, 8],
    ]);
    const waited: number[] = [];
    for (let part = 0; part < 8; part++) {
      const done = untilRead(() => blob.read(Buffer.alloc(PART), part * PART));
      if (!(done instanceof Promise)) continue;
      waited.push(part);
      await done;
      await vi.waitUntil(() => s3.cache.fetchedBytes === here.get(part)! * PART, { timeout: 20_000 });
      await setImmediate();
    }
    expect([fetched(), waited]).toEqual([8, [...here.keys()]]);
    blob.close();
  });

  itUsual('fetches nothing ahead of a reader that jumps', async () => {
    const s3 = open();
    await publish(s3, bytesOf(8));
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    for (const part of [6, 1, 3]) await readPart(blob, part);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(fetched()).toBe(3);
    blob.close();
  });
});

describe('the cache', () => {
  itUsual('fetches a part once for many readers at the same time', async () => {
    const s3 = open();
    await publish(s3, bytesOf(2));
    const blobs = await Promise.all(Array.from({ length: 10 }, () => s3.blobs.open(FOLDER, 'a.bin')));
    await Promise.all(blobs.map((blob) => readPart(blob, 1)));
    expect(fetched()).toBe(1);
    for (const blob of blobs) blob.close();
  });

  itUsual('is shared by the processes of a host, and by equal parts of different blobs', async () => {
    const [one, other] = [open(), open()];
    await publish(one, bytesOf(3));
    await publish(one, bytesOf(3), 'audiences/c/f');
    await one.blobs.read(FOLDER, 'a.bin');
    await other.blobs.read('audiences/c/f', 'a.bin');
    expect([fetched(), other.cache.hits]).toEqual([3, 3]);
  });

  itUsual.each([
    ['shorter', (path: string) => truncateSync(path, 100)],
    ['longer', (path: string) => writeFileSync(path, Buffer.alloc(1), { flag: 'a' })],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['changed', (path: string) => writeFileSync(path, Buffer.alloc(PART))],
  ])('fetches a part again whose file became %s', async (_, damage) => {
    const bytes = bytesOf(2);
    const first = open();
    await publish(first, bytes);
    await first.blobs.read(FOLDER, 'a.bin');
    for (const path of cachedFiles()) damage(path);
    const s3 = open();
    expect(Buffer.from(await s3.blobs.read(FOLDER, 'a.bin')).equals(bytes)).toBe(true);
    expect([fetched(), s3.cache.damaged]).toEqual([4, 2]);
    expect(cachedFiles().map((path) => statSync(path).size)).toEqual([PART, PART]);
  });

  itUsual('keeps its limit by removing what was not used for the longest time', async () => {
    const s3 = open({ limits: { blobPartBytes: PART, blobCacheBytes: 10 * PART } });
    await publish(s3, bytesOf(40));
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    for (let part = 0; part < 40; part += 2) {
      await readPart(blob, part);
      // the first part is used all the time
      await readPart(blob, 0);
      expect(cachedFiles().length).toBeLessThanOrEqual(10);
      for (const path of cachedFiles().filter((each) => statSync(each).mtimeMs > Date.now() - 1_000))
        utimesSync(path, Date.now() / 1000 - 3_600 + part, Date.now() / 1000 - 3_600 + part);
    }
    expect(s3.cache.evictions).toBeGreaterThan(9);
    expect(s3.cache.storedBytes).toBeLessThanOrEqual(10 * PART);
    blob.close();
    const before = fetched();
    const other = open();
    const again = await other.blobs.open(FOLDER, 'a.bin');
    await readPart(again, 0);
    expect(fetched()).toBe(before);
    await readPart(again, 2);
    expect(fetched()).toBe(before + 1);
    again.close();
  });

  itUsual('serves open readers of parts that it has removed, also if the storage is gone', async () => {
    const s3 = open({ limits: { blobPartBytes: PART, blobCacheBytes: 2 * PART, blobReadAheadParts: 0 } });
    const bytes = bytesOf(6);
    await publish(s3, bytes);
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    for (let part = 0; part < 6; part++) await readPart(blob, part);
    expect(cachedFiles().length).toBeLessThanOrEqual(2);
    gate.faultOf = () => 403;
    for (let part = 0; part < 6; part++)
      expect((await readPart(blob, part)).equals(bytes.subarray(part * PART, (part + 1) * PART))).toBe(true);
    blob.close();
  });

  itUsual('keeps a limited number of files open, except those of blobs that are here as a whole', async () => {
    const s3 = open({ limits: { blobPartBytes: PART, blobOpenParts: 4 } });
    const bytes = bytesOf(12);
    await publish(s3, bytes);
    const before = descriptors();
    const blob = await s3.blobs.open(FOLDER, 'a.bin');
    for (let part = 0; part < 12; part++) await readPart(blob, part);
    expect(descriptors() - before).toBeLessThanOrEqual(4);
    // a file that was closed is opened again, and not fetched again
    expect((await readPart(blob, 0)).equals(bytes.subarray(0, PART))).toBe(true);
    expect(fetched()).toBe(12);
    const whole = await s3.blobs.open(FOLDER, 'a.bin', { whole: true });
    const target = Buffer.alloc(bytes.length);
    expect([whole.read(target, 0), target.equals(bytes)]).toEqual([bytes.length, true]);
    expect(descriptors() - before).toBeGreaterThanOrEqual(12);
    whole.close();
    expect(descriptors() - before).toBeLessThanOrEqual(4);
    blob.close();
  });

  itUsual('takes at most a share of the disk', async () => {
    const s3 = open({ limits: { blobPartBytes: PART, blobCacheDiskPercent: 0, blobUploads: 1 } });
    const bytes = bytesOf(4);
    await publish(s3, bytes);
    expect(Buffer.from(await s3.blobs.read(FOLDER, 'a.bin')).equals(bytes)).toBe(true);
    expect(cachedFiles().length).toBeLessThanOrEqual(1);
  });

  itUsual('has four parts in memory that this process has put and will read, until others need the room', async () => {
    let elapsed = 0;
    const s3 = open({ clock: { now: () => systemClock.now(), elapsed: () => elapsed } });
    const put = (name: string, parts: number, seed: number) =>
      s3.blobs.publish(name, new Map([['a.bin', bytesOf(parts, seed)]]), { isReadHere: true });
    await put('work/1', 4, 1);
    expect(cachedFiles()).toHaveLength(0);
    await put('work/2', 2, 2);
    expect(cachedFiles()).toHaveLength(2);
    elapsed += 600_001;
    await put('work/3', 3, 3);
    expect(cachedFiles()).toHaveLength(2);
    for (const [name, parts, seed] of [
      ['work/2', 2, 2],
      ['work/3', 3, 3],
    ] as const)
      expect(bytesOf(parts, seed).equals(await s3.blobs.read(name, 'a.bin'))).toBe(true);
    expect(fetched()).toBe(0);
    expect(bytesOf(4, 1).equals(await s3.blobs.read('work/1', 'a.bin'))).toBe(true);
    expect(fetched()).toBe(4);
  });

  itUsual('has parts in memory that are read once, as far as there is room, until they are closed', async () => {
    const s3 = open({ limits: { blobReadAheadParts: 0 } });
    await publish(s3, bytesOf(6));
    const readOnce = async (from: number, to: number) => {
      const blob = await s3.blobs.open(FOLDER, 'a.bin', { isReadOnce: true });
      for (let part = from; part < to; part++)
        expect((await readPart(blob, part)).equals(bytesOf(6).subarray(part * PART, (part + 1) * PART))).toBe(true);
      return blob;
    };
    const first = await readOnce(0, 3);
    expect([fetched(), cachedFiles().length]).toEqual([3, 0]);
    const second = await readOnce(3, 6);
    expect([fetched(), cachedFiles().length]).toEqual([6, 2]);
    first.close();
    second.close();
    // those in files stay; the memory of the others is used again
    (await readOnce(0, 4)).close();
    (await readOnce(2, 6)).close();
    expect([fetched(), cachedFiles().length]).toEqual([12, 2]);
    // what this process puts takes the memory that nobody reads
    await s3.blobs.publish('work/1', new Map([['a.bin', bytesOf(4, 1)]]), { isReadHere: true });
    expect(cachedFiles()).toHaveLength(2);
    (await readOnce(0, 1)).close();
    expect(cachedFiles()).toHaveLength(3);
  });

  itUsual('refuses damaged bytes of a part that is read once, and keeps no memory for them', async () => {
    const s3 = open({ limits: { blobSpoolParts: 1, blobPatienceMs: 1 } });
    await publish(s3, bytesOf(1));
    gate.faultOf = ({ method, url }) => (method === 'GET' && url.includes('a.bin') ? 'wrong' : null);
    for (let i = 0; i < 2; i++)
      await expect(s3.blobs.open(FOLDER, 'a.bin', { isReadOnce: true })).rejects.toThrow('the sha256 is');
    gate.faultOf = () => null;
    const blob = await s3.blobs.open(FOLDER, 'a.bin', { isReadOnce: true });
    expect((await readPart(blob, 0)).equals(bytesOf(1))).toBe(true);
    expect(cachedFiles()).toHaveLength(0);
  });

  itUsual('has no file of a blob that is being written', async () => {
    const s3 = open({ limits: { blobSpoolParts: 0 } });
    const writer = s3.blobs.write('sets');
    writer.write(Buffer.from('abc'));
    expect(readdirSync(join(folder, 'spool'))).toEqual([]);
    writer.abort();
  });

  itUsual('is used by several processes at the same time', async () => {
    const limits = { blobPartBytes: PART, blobCacheBytes: 8 * PART };
    const opened = [open({ limits }), open({ limits }), open({ limits })];
    const bytes = bytesOf(30);
    await publish(opened[0]!, bytes);
    const read = async (s3: OpenedS3, from: number) => {
      const blob = await s3.blobs.open(FOLDER, 'a.bin');
      for (let i = 0; i < 60; i++) {
        const part = (from + i * 7) % 30;
        expect((await readPart(blob, part)).equals(bytes.subarray(part * PART, (part + 1) * PART))).toBe(true);
      }
      blob.close();
    };
    await Promise.all(opened.map((s3, i) => read(s3, i * 3)));
    for (const path of cachedFiles()) expect(bytes.includes(readFileSync(path))).toBe(true);
  });
});

/** Number of descriptors of this process to parts of the cache. */
function descriptors(): number {
  return openFiles(folder).length;
}
