/** Blobs in an object storage that is busy, loses answers, or gives wrong ones. */
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Blobs } from '../../../src/domain/ports/blobs.ts';
import type { AppError } from '../../../src/lib/errors.ts';
import { createRng } from '../../../src/lib/rng.ts';
import { put, textOf, writeFile } from '../../domain/contract/blob-port.ts';
import { FlakyProxy } from '../../fixture/network/flaky-proxy.ts';
import { startOwnS3, type TestS3 } from '../../fixture/s3.ts';
import { IS_LONG, itUsual } from '../../fixture/size.ts';
import { type Asked, type Fault, FaultyGate } from './faulty-gate.ts';
import { newS3 } from './storage.ts';

const FOLDER = 'audiences/c/e';
const PATIENCE = { blobPatienceMs: 20_000 };
const IMPATIENCE = { blobPatienceMs: 300 };

let server: TestS3;
let gate: FaultyGate;
let open: ReturnType<typeof newS3>;
beforeAll(async () => {
  server = await startOwnS3();
});
afterAll(() => server.close());
beforeEach(async () => {
  gate = await FaultyGate.start(server.endpoint);
  open = newS3(server);
});
afterEach(() => gate.close());

/** Blobs behind the gate, and blobs that reach the server directly. */
function both(limits = PATIENCE): { readonly behind: Blobs; readonly direct: Blobs } {
  return { behind: open({ endpoint: gate.endpoint, limits }).blobs, direct: open().blobs };
}

/** Spoils the first `count` requests that match. */
function spoilFirst(count: number, fault: Fault, matches: (asked: Asked) => boolean): () => number {
  let spoiled = 0;
  gate.faultOf = (asked) => {
    if (spoiled === count || !matches(asked)) return null;
    spoiled += 1;
    return fault;
  };
  return () => spoiled;
}

const isOfFile = ({ method, url }: Asked) => method === 'GET' && url.includes('a.bin');

describe('a busy object storage', () => {
  itUsual('is asked again until it answers', async () => {
    const { behind } = both();
    gate.faultOf = () => 503;
    setTimeout(() => {
      gate.faultOf = () => null;
    }, 1_500);
    await put(behind, FOLDER);
    expect(gate.asked.length).toBeGreaterThan(3);
    expect(await textOf(behind, FOLDER)).toBe('abcdef');
  });

  itUsual('fails a call that has been repeated for long enough, with its own code', async () => {
    const { behind } = both(IMPATIENCE);
    gate.faultOf = () => 503;
    const error = await put(behind, FOLDER).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'storage_failed', facts: { errno: 'EAGAIN' } });
    expect((error as AppError).message).toContain('SlowDown');
  });

  itUsual('fails a call if it cannot be reached', async () => {
    const { behind } = both(IMPATIENCE);
    await gate.close();
    await expect(behind.has(FOLDER)).rejects.toMatchObject({ facts: { errno: 'ECONNREFUSED' } });
    gate = await FaultyGate.start(server.endpoint);
  });
});

describe('a network that is slow and cuts a fifth of its connections', () => {
  it.runIf(IS_LONG)('brings everything all the same', async () => {
    const { hostname, port } = new URL(server.endpoint);
    const rng = createRng('s3 behind a flaky proxy');
    const proxy = await FlakyProxy.start({ host: hostname, port: Number(port) }, rng);
    try {
      proxy.suffer({ latencyMs: 20, cutShare: 0.2 });
      const { blobs } = open({ endpoint: `http://127.0.0.1:${proxy.port}`, limits: PATIENCE });
      const folders = Array.from({ length: 30 }, (_, i) => `audiences/c/${i}`);
      await Promise.all(folders.map((folder) => put(blobs, folder, folder)));
      // old connections are cut now and then, too
      const timer = setInterval(() => proxy.cutAll(), 200);
      const texts = await Promise.all(folders.map((folder) => textOf(blobs, folder)));
      await Promise.all(folders.slice(1).map((folder) => blobs.delete(folder)));
      clearInterval(timer);
      expect(texts).toEqual(folders);
      expect(proxy.cut).toBeGreaterThan(0);
      const left = await Promise.all(folders.map((folder) => open().blobs.has(folder)));
      expect(left.filter(Boolean)).toEqual([true]);
    } finally {
      await proxy.close();
    }
  });
});

describe('an answer of object storage', () => {
  itUsual.each(['cut', 'short', 'wrong', 'lost'] as const)('that is %s is asked for again', async (fault) => {
    const { behind, direct } = both();
    await put(direct, FOLDER);
    const spoiled = spoilFirst(2, fault, isOfFile);
    expect(await textOf(behind, FOLDER)).toBe('abcdef');
    expect([spoiled(), gate.asked.filter(isOfFile).length]).toEqual([2, 3]);
  });

  itUsual('that is always wrong is an error after 4 attempts, and is not cached', async () => {
    const { behind, direct } = both();
    await put(direct, FOLDER);
    gate.faultOf = (asked) => (isOfFile(asked) ? 'wrong' : null);
    await expect(textOf(behind, FOLDER)).rejects.toMatchObject({
      ...{ code: 'storage_failed', facts: { errno: 'EBADMSG' } },
    });
    expect(gate.asked.filter(isOfFile)).toHaveLength(4);
    gate.faultOf = () => null;
    expect(await textOf(behind, FOLDER)).toBe('abcdef');
  });

  itUsual('to the put of a manifest may be lost: the folder is published all the same', async () => {
    const { behind, direct } = both();
    for (const text of ['first', 'second']) {
      const spoiled = spoilFirst(1, 'lost', ({ method, url }) => method === 'PUT' && url.includes('_manifest'));
      await put(behind, FOLDER, text);
      expect([spoiled(), await textOf(direct, FOLDER)]).toEqual([1, text]);
    }
  });

  itUsual('to a put with a condition may be lost: the caller learns that it has won', async () => {
    const behind = open({ endpoint: gate.endpoint, limits: PATIENCE }).files('models');
    const direct = open().files('models');
    spoilFirst(1, 'lost', ({ method }) => method === 'PUT');
    const tag = await behind.put('a', Buffer.from('1'), 'if-absent');
    expect(await direct.find('a')).toMatchObject({ tag });
    spoilFirst(1, 'lost', ({ method }) => method === 'PUT');
    const next = await behind.put('a', Buffer.from('2'), { ifTag: tag! });
    expect(await direct.find('a')).toMatchObject({ tag: next });
    // and that it has lost, even to a writer of the same bytes
    gate.faultOf = async ({ method }) => {
      if (method !== 'PUT') return null;
      gate.faultOf = () => null;
      await direct.put('b', Buffer.from('1'));
      return 503;
    };
    expect(await behind.put('b', Buffer.from('1'), 'if-absent')).toBeNull();
  });

  itUsual('to the end of a multipart upload may be lost: the file is published all the same', async () => {
    const { direct } = both();
    const large = Buffer.alloc(6 * 1024 ** 2, 'abc').toString();
    const blobs = open({ endpoint: gate.endpoint, limits: { ...PATIENCE, blobPartBytes: 1024 ** 2 } }).blobs;
    const spoiled = spoilFirst(1, 'lost', ({ method, url }) => method === 'POST' && url.includes('uploadId'));
    await writeFile(blobs, 'sets', 'a.bin', large);
    expect([spoiled(), (await textOf(direct, 'sets')) === large]).toEqual([1, true]);
  });
});

describe('errors of object storage', () => {
  itUsual('name neither keys nor signatures', async () => {
    const { behind } = both(IMPATIENCE);
    gate.faultOf = () => 'forbidden';
    const error = (await behind.list(FOLDER).catch((thrown: unknown) => thrown)) as AppError;
    expect(error).toMatchObject({ code: 'storage_failed', facts: { errno: 'EACCES' } });
    expect(error.message).toContain('SignatureDoesNotMatch');
    const shown = inspect(error, { depth: 9, showHidden: true });
    expect(shown).not.toMatch(/AKIAABCDEFGHIJKLMNOP|AWS4-HMAC-SHA256|0123456789abcdef|only-for-tests/);
  });

  itUsual('tell a bucket that does not exist from a blob that does not exist', async () => {
    const missing = newS3({ ...server, bucket: 'no-such-bucket' })({ limits: IMPATIENCE }).blobs;
    await expect(missing.open(FOLDER, 'a.bin')).rejects.toMatchObject({ facts: { errno: 'EIO' } });
  });
});
