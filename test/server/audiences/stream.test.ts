/** Streams of rows: their text, and that others have their turn. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type RowFormat, streamChunks, textChunks, textOf } from '../../../src/server/audiences/stream.ts';
import { createTurns } from '../../../src/server/audiences/stream-turns.ts';
import { CSV_TYPE, NDJSON_TYPE } from '../../../src/server/http/media-types.ts';

const NUMBERS: RowFormat<number> = {
  columns: 'number',
  ndjson: (number) => `{"number":${number}}\n`,
  csv: (number) => `${number}\r\n`,
};

const turn = createTurns(() => performance.now());

async function collect(
  type: typeof CSV_TYPE | typeof NDJSON_TYPE,
  pages: Iterable<readonly number[]>,
): Promise<string[]> {
  const chunks: string[] = [];
  for await (const chunk of textChunks(type, NUMBERS, pages, turn)) chunks.push(chunk);
  return chunks;
}

describe('textChunks', () => {
  it('returns a chunk a page after the head of CSV, and none of a page without rows', async () => {
    expect(await collect(CSV_TYPE, [[1, 2], [], [3]])).toEqual(['number\r\n', '1\r\n2\r\n', '3\r\n']);
    expect(await collect(NDJSON_TYPE, [[1], [], [2]])).toEqual(['{"number":1}\n', '{"number":2}\n']);
    expect(await collect(NDJSON_TYPE, [])).toEqual([]);
    expect(textOf(CSV_TYPE, NUMBERS, [1, 2])).toBe('number\r\n1\r\n2\r\n');
  });

  it('yields to the event loop after each page, even without rows', async () => {
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    await collect(NDJSON_TYPE, Array<number[]>(50).fill([]));
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(49);
  });
});

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
    expect(error.message).toContain(`did not take ${what}`);
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
