/** Streams of chunks: their ends, and the time that a client may take. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { streamChunks } from '../../../src/http/audiences/stream/stream.ts';

describe('streamChunks', () => {
  const limits = { streamStallMs: 10_000, maximumStreamMs: 10_000 };
  async function* numbers(count: number, failAt = -1) {
    for (let i = 0; i < count; i++) {
      await sleep(0);
      if (i === failAt) throw new Error('the disk failed');
      yield `${i}\n`;
    }
  }
  const all = Array.from({ length: 20 }, (_, i) => `${i}\n`).join('');

  it.each([false, true])('returns everything and closes once, gzip %s', async (gzip) => {
    let closes = 0;
    const chunks: Buffer[] = [];
    for await (const chunk of streamChunks(numbers(20), { gzip, limits }, () => closes++))
      chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    expect((gzip ? gunzipSync(bytes) : bytes).toString()).toBe(all);
    await sleep(10);
    expect(closes).toBe(1);
  });

  it.each([false, true])('fails when a page does, and closes, gzip %s', async (gzip) => {
    let closes = 0;
    const read = async () => {
      for await (const _ of streamChunks(numbers(20, 7), { gzip, limits }, () => closes++));
    };
    await expect(read()).rejects.toThrow('the disk failed');
    await sleep(10);
    expect(closes).toBe(1);
  });

  it.each([false, true])('closes when nobody reads on, gzip %s', async (gzip) => {
    let closes = 0;
    const stream = streamChunks(numbers(1_000_000), { gzip, limits }, () => closes++);
    stream.on('error', () => {});
    stream.resume();
    await sleep(20);
    stream.destroy();
    for (let waited = 0; closes === 0 && waited < 2_000; waited += 10) await sleep(10);
    expect(closes).toBe(1);
  });

  it.each([
    ['a chunk', false, { streamStallMs: 50, maximumStreamMs: 10_000 }],
    ['a chunk', true, { streamStallMs: 50, maximumStreamMs: 10_000 }],
    ['the whole', false, { streamStallMs: 10_000, maximumStreamMs: 50 }],
  ])('ends for a client that does not take %s in its time, gzip %s', async (what, gzip, limits) => {
    async function* endless() {
      for (;;) yield randomBytes(100_000);
    }
    let closes = 0;
    const stream = streamChunks(endless(), { gzip, limits }, () => closes++);
    stream.read(); // some, and then no more
    const [error] = await once(stream, 'error');
    expect(error).toMatchObject({ code: 'request_timeout' });
    expect(error.message).toContain(`did not read ${what}`);
    await expect.poll(() => closes).toBe(1);
  });

  it('does not count the time in which a chunk is made', async () => {
    async function* slow() {
      for (let i = 0; i < 3; i++) {
        await sleep(60);
        yield `${i}\n`;
      }
    }
    let text = '';
    const timed = { gzip: false, limits: { ...limits, streamStallMs: 30 } };
    for await (const chunk of streamChunks(slow(), timed, () => {})) text += chunk;
    expect(text).toBe('0\n1\n2\n');
  });
});
