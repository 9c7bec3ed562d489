/** Writers of blobs in object storage that fail or are killed, and what is left of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { untilRead } from '../../../src/domain/ports/blobs.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { DEFAULT_BLOB_LIMITS } from '../../../src/storage/s3/limits.ts';
import { put, textOf, writeFile } from '../../domain/contract/blob-port.ts';
import { temporaryFolder } from '../../fixture/folders.ts';
import { s3Client, startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { FaultyGate } from './faulty-gate.ts';
import { newS3, type TestStorage } from './storage.ts';

const FOLDER = 'audiences/c/e';
const MISSING = { code: 'storage_failed', facts: { errno: 'ENOENT' } };
const PART = 1_024;
/** Three parts of a multipart upload, whose smallest size is 5 MiB. */
const LARGE_BYTES = 11 * 1024 ** 2;
/** The clock of a host on which leftovers of today are old. */
const TOMORROW = { ...systemClock, now: () => systemClock.now() + DEFAULT_BLOB_LIMITS.blobLeftoverMs + 60_000 };
const IMPATIENCE = { blobPatienceMs: 300 };

let server: TestS3;
let gate: FaultyGate;
let open: TestStorage;
/** How far the clock of the server is behind. */
let behindMs = 0;
beforeEach(async () => {
  behindMs = 0;
  server = await startOwnS3(() => systemClock.now() - behindMs);
  gate = await FaultyGate.start(server.endpoint);
  open = newS3(server);
});
afterEach(async () => {
  await gate.close();
  await server.close();
});

/** All keys, without the prefix of the test and the ids of publications. */
async function keys(): Promise<string[]> {
  const { Contents = [] } = await s3Client(server).send(new ListObjectsV2Command({ Bucket: server.bucket }));
  return Contents.map(({ Key }) => Key!.replace(/^test\/[^/]+\//, '').replace(/_[0-9a-f-]{36}/, '_id'));
}

async function uploads(): Promise<number> {
  const { Uploads = [] } = await s3Client(server).send(new ListMultipartUploadsCommand({ Bucket: server.bucket }));
  return Uploads.length;
}

/** Runs `children/publish.ts` behind the gate, and kills it when the gate is asked for what `isLast` chooses. */
async function killAt(how: 'folder' | 'file', isLast: (method: string, url: string) => boolean): Promise<void> {
  const { accessKeyId, secretAccessKey } = server.credentials;
  const path = join(import.meta.dirname, 'children/publish.ts');
  const args = [path, open.url(gate.endpoint), temporaryFolder(), accessKeyId, secretAccessKey, how];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const ended = once(child, 'exit');
  gate.faultOf = ({ method, url }) => {
    if (!isLast(method, url)) return null;
    child.kill('SIGKILL');
    return 503;
  };
  expect(await ended).toEqual([null, 'SIGKILL']);
}

describe('a writer that is killed', () => {
  it('leaves the folder as it was, and files that a later sweep removes', async () => {
    await put(open().blobs, FOLDER, 'old');
    await killAt('folder', (method, url) => method === 'PUT' && url.includes('_manifest'));
    expect([await open().blobs.list(FOLDER), await textOf(open().blobs, FOLDER)]).toEqual([['a.bin'], 'old']);
    expect(await keys()).toHaveLength(4);
    expect(await open().sweep()).toEqual({ removedObjects: 0, removedBytes: 0, abortedUploads: 0 });
    expect(await open({ clock: TOMORROW }).sweep()).toEqual({ removedObjects: 2, removedBytes: 6, abortedUploads: 0 });
    expect(await keys()).toEqual([`${FOLDER}/_id/a.bin`, `${FOLDER}/_manifest.json`]);
    expect(await textOf(open().blobs, FOLDER)).toBe('old');
  });

  it('between two parts of a large file leaves an upload that a later sweep aborts', async () => {
    await killAt('file', (method, url) => method === 'PUT' && url.includes('partNumber=3'));
    expect([await open().blobs.list('sets'), await keys(), await uploads()]).toEqual([[], [], 1]);
    expect(await open().sweep()).toMatchObject({ abortedUploads: 0 });
    expect(await open({ clock: TOMORROW }).sweep()).toMatchObject({ abortedUploads: 1 });
    expect(await uploads()).toBe(0);
  });
});

describe('a writer that fails', () => {
  it('in the middle of a folder leaves no file', async () => {
    const { blobs } = open({ endpoint: gate.endpoint, limits: IMPATIENCE });
    gate.faultOf = ({ method, url }) => (method === 'PUT' && url.includes('b.bin') ? 503 : null);
    const files = new Map(['a.bin', 'b.bin'].map((file) => [file, Buffer.from(file)]));
    await expect(blobs.publish(FOLDER, files)).rejects.toMatchObject({ code: 'storage_failed' });
    expect([await keys(), await blobs.has(FOLDER)]).toEqual([[], false]);
  });

  it('in the middle of a large file aborts its upload, and can publish the file again', async () => {
    const { blobs } = open({ endpoint: gate.endpoint, limits: IMPATIENCE });
    const large = Buffer.alloc(LARGE_BYTES, 'abc');
    const writer = blobs.write('sets');
    writer.write(large);
    const unnamed = await writer.finish();
    gate.faultOf = ({ url }) => (url.includes('partNumber=2') ? 503 : null);
    await expect(unnamed.publish('a.bin')).rejects.toMatchObject({ code: 'storage_failed' });
    expect([await keys(), await uploads()]).toEqual([[], 0]);
    gate.faultOf = () => null;
    await unnamed.publish('a.bin');
    expect(large.equals(await open().blobs.read('sets', 'a.bin'))).toBe(true);
  });

  it('to put the manifest leaves the files, because the manifest may be there after all', async () => {
    const { blobs } = open({ endpoint: gate.endpoint, limits: IMPATIENCE });
    gate.faultOf = ({ url }) => (url.includes('_manifest') ? 'lost' : null);
    await expect(put(blobs, FOLDER)).rejects.toMatchObject({ code: 'storage_failed' });
    expect(await keys()).toContain(`${FOLDER}/_id/a.bin`);
  });
});

describe('a large file', () => {
  it('is put in parts, and has the sha256 of each part', async () => {
    const { blobs } = open({ endpoint: gate.endpoint, limits: { blobPartBytes: 256 * PART } });
    const large = Buffer.from(Uint32Array.from({ length: LARGE_BYTES / 4 }, (_, i) => i).buffer);
    await blobs.publish(FOLDER, new Map([['a.bin', large]]));
    const writer = blobs.write('sets');
    writer.write(large);
    await (await writer.finish()).publish('a.bin');
    expect(gate.count('PUT', 'partNumber')).toBe(6);
    for (const folder of [FOLDER, 'sets'])
      expect(large.equals(await open().blobs.read(folder, 'a.bin')), folder).toBe(true);
    // 44 parts of a folder's file, but at most 32 of a single file, whose metadata has little space
    const other = open({ endpoint: gate.endpoint });
    await other.blobs.read('sets', 'a.bin');
    await other.blobs.read(FOLDER, 'a.bin');
    expect([gate.count('GET', 'sets/a.bin'), gate.count('GET', '/a.bin') - 22]).toEqual([22, 44]);
  });
});

describe('a folder that is replaced', () => {
  it('stays readable for those who have it open, until its files are old', async () => {
    const limits = { blobPartBytes: PART };
    const { blobs } = open({ limits });
    const [first, second] = [Buffer.alloc(3 * PART, 1), Buffer.alloc(3 * PART, 2)];
    await blobs.publish(FOLDER, new Map([['a.bin', first]]));
    const early = await blobs.open(FOLDER, 'a.bin');
    await open({ limits }).blobs.publish(FOLDER, new Map([['a.bin', second]]));
    expect(await open().sweep()).toMatchObject({ removedObjects: 0 });
    const target = Buffer.alloc(first.length);
    await untilRead(() => early.read(target, 0));
    expect(target.equals(first)).toBe(true);
    expect(await open({ clock: TOMORROW }).sweep()).toMatchObject({ removedObjects: 1 });
    expect(await keys()).toHaveLength(2);
    expect(second.equals(await open({ limits }).blobs.read(FOLDER, 'a.bin'))).toBe(true);
    early.close();
  });

  it('keeps its files for a day after it was replaced, however old they are', async () => {
    behindMs = 3 * DEFAULT_BLOB_LIMITS.blobLeftoverMs;
    await put(open().blobs, FOLDER, 'old');
    behindMs = 0;
    await put(open().blobs, FOLDER, 'new');
    expect(await open().sweep()).toMatchObject({ removedObjects: 0 });
    expect(await open({ clock: TOMORROW }).sweep()).toMatchObject({ removedObjects: 1 });
    expect(await textOf(open().blobs, FOLDER)).toBe('new');
  });

  it('by equal bytes stays readable even if the files of the first are gone', async () => {
    const limits = { blobPartBytes: PART };
    const bytes = Buffer.from(Array.from({ length: 3 * PART }, (_, i) => i / PART));
    await open({ limits }).blobs.publish(FOLDER, new Map([['a.bin', bytes]]));
    const { blobs } = open({ limits });
    const early = await blobs.open(FOLDER, 'a.bin');
    await open({ limits }).blobs.publish(FOLDER, new Map([['a.bin', bytes]]));
    await open({ clock: TOMORROW }).sweep();
    const target = Buffer.alloc(bytes.length);
    await untilRead(() => early.read(target, 0));
    expect(target.equals(bytes)).toBe(true);
    early.close();
  });

  it('by other bytes is an error for those who read it after its files are gone', async () => {
    const limits = { blobPartBytes: PART };
    const { blobs } = open({ limits });
    await blobs.publish(FOLDER, new Map([['a.bin', Buffer.alloc(3 * PART, 1)]]));
    const early = await blobs.open(FOLDER, 'a.bin');
    await put(open().blobs, FOLDER);
    await open({ clock: TOMORROW }).sweep();
    await expect((async () => untilRead(() => early.read(Buffer.alloc(1), 0)))()).rejects.toMatchObject(MISSING);
    early.close();
  });
});

describe('a deletion', () => {
  it('leaves nothing, also of replaced folders and single files', async () => {
    const { blobs } = open();
    for (const text of ['1', '2', '3']) await put(blobs, FOLDER, text);
    await writeFile(blobs, FOLDER, 'b.bin', 'b');
    await blobs.delete(FOLDER);
    expect(await keys()).toEqual([]);
  });

  it('that is interrupted hides the folder, and can be repeated', async () => {
    const { blobs } = open({ endpoint: gate.endpoint, limits: IMPATIENCE });
    await put(blobs, FOLDER);
    gate.faultOf = ({ method, url }) => (method === 'POST' && url.includes('delete') ? 503 : null);
    await expect(blobs.delete(FOLDER)).rejects.toMatchObject({ code: 'storage_failed' });
    expect([await blobs.has(FOLDER), await blobs.list(FOLDER), await keys()]).toEqual([
      false,
      [],
      [`${FOLDER}/_id/a.bin`, `${FOLDER}/_manifest.json`],
    ]);
    await expect(blobs.open(FOLDER, 'a.bin')).rejects.toMatchObject(MISSING);
    gate.faultOf = () => null;
    await blobs.delete(FOLDER);
    expect(await keys()).toEqual([]);
  });

  it('that is interrupted is completed by the next sweep', async () => {
    const { blobs } = open({ endpoint: gate.endpoint, limits: IMPATIENCE });
    await put(blobs, FOLDER);
    gate.faultOf = ({ method, url }) => (method === 'POST' && url.includes('delete') ? 503 : null);
    await expect(blobs.delete(FOLDER)).rejects.toMatchObject({ code: 'storage_failed' });
    await open().sweep();
    expect(await keys()).toEqual([]);
  });

  it('spares a folder that another writer publishes at the same time', async () => {
    const { blobs } = open({ endpoint: gate.endpoint });
    await put(blobs, FOLDER, 'old');
    // after the manifest was marked, and before it is removed
    gate.faultOf = async ({ method, url }) => {
      if (method === 'POST' && url.includes('delete')) await put(open().blobs, FOLDER, 'new');
      return null;
    };
    await blobs.delete(FOLDER);
    expect([await open().blobs.has(FOLDER), await textOf(open().blobs, FOLDER)]).toEqual([true, 'new']);
    expect(await keys()).toHaveLength(2);
  });

  it('spares the files of a publication that is under way', async () => {
    const { blobs } = open({ endpoint: gate.endpoint });
    await put(open().blobs, FOLDER, 'old');
    gate.faultOf = async ({ method, url }) => {
      if (method !== 'PUT' || !url.includes('_manifest')) return null;
      gate.faultOf = () => null;
      await open().blobs.delete(FOLDER);
      return null;
    };
    await put(blobs, FOLDER, 'new');
    expect(await textOf(open().blobs, FOLDER)).toBe('new');
    expect(await keys()).toHaveLength(2);
  });

  it('leaves nothing of several writers that published at once', async () => {
    await Promise.all(['1', '2', '3', '4', '5'].map((text) => put(open().blobs, FOLDER, text)));
    expect(await keys()).toHaveLength(6);
    await open().blobs.delete(FOLDER);
    expect(await keys()).toEqual([]);
  });
});

describe('a damaged object', () => {
  it('is reported by its folder', async () => {
    const { blobs } = open();
    await put(blobs, FOLDER);
    const Key = `${new URL(open.url()).pathname.slice(1)}/${FOLDER}/_manifest.json`;
    await s3Client(server).send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: '{"format":1}' }));
    await expect(blobs.open(FOLDER, 'a.bin')).rejects.toThrow(`the manifest of ${FOLDER} is damaged`);
  });

  it('that another program put as a single file is refused', async () => {
    const Key = `${new URL(open.url()).pathname.slice(1)}/sets/a.bin`;
    await s3Client(server).send(new PutObjectCommand({ Bucket: server.bucket, Key, Body: 'abc' }));
    await expect(open().blobs.open('sets', 'a.bin')).rejects.toThrow('is not in its metadata');
  });
});
