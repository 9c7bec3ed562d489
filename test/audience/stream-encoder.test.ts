/** Streams that are encoded in a thread: what they hold, what the event loop does meanwhile, and how they end. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, describe, expect, it } from 'vitest';
import type { MemberBlock } from '../../src/audience/page.ts';
import {
  CHANGE_ROWS,
  type Encoding,
  formatRows,
  headOf,
  MEMBER_ROWS,
  type RowBlock,
  SAFE_CHANGE_ROWS,
  SAFE_MEMBER_ROWS,
  type TextType,
} from '../../src/audience/stream/block-encoding.ts';
import { type ChangeBlock, itemsOf } from '../../src/audience/stream/member-blocks.ts';
import { StreamEncoder } from '../../src/audience/stream/stream-encoder.ts';
import { createTurns } from '../../src/http/audiences/stream/stream-slots.ts';
import { CSV_TYPE, NDJSON_TYPE, PARQUET_TYPE } from '../../src/lib/media-types.ts';
import { TextTable } from '../../src/lib/text/text-table.ts';
import { ODD_IDS } from '../http/fixture.ts';

const encoder = new StreamEncoder();
afterAll(() => encoder.close());
const turn = createTurns(() => performance.now());
const PARQUET: Encoding = { rows: 'members', type: PARQUET_TYPE, rowGroupRows: 700 };
const table = new TextTable();
const IDS = [...ODD_IDS, '=1+1', ...Array.from({ length: 2_000 }, (_, i) => `person-${i}`)];
for (const id of IDS) table.add(id, 1_000);

/** `count` members in blocks of `size`; users of the table over and over. */
function blocksOf(count: number, size: number): MemberBlock[] {
  const blocks: MemberBlock[] = [];
  for (let from = 0; from < count; from += size) {
    const ranks = Uint32Array.from({ length: Math.min(size, count - from) }, (_, i) => from + i + 1);
    blocks.push({
      ranks,
      ids: table.gather(ranks.map((rank) => (rank - 1) % table.count)),
      scores: Float32Array.from(ranks, (rank) => 1 / rank),
      candidates: count,
    });
  }
  return blocks;
}

const NOBODY: MemberBlock = { ...blocksOf(1, 1)[0]!, ranks: new Uint32Array(0), ids: table.gather(new Uint32Array(0)) };

/** Blocks that come one by one. */
async function* oneByOne(blocks: Iterable<RowBlock>): AsyncGenerator<RowBlock> {
  yield* blocks;
}

async function collect(encoding: Encoding, blocks: Iterable<RowBlock>, own = encoder): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of own.encode(encoding, oneByOne(blocks), turn)) chunks.push(Buffer.from(chunk));
  return chunks;
}

describe('text', () => {
  it.each<[TextType, boolean]>([
    [NDJSON_TYPE, false],
    [CSV_TYPE, false],
    [CSV_TYPE, true],
  ])('is that of the rows, as %s, for spreadsheets %s', async (type, isSafe) => {
    const blocks = blocksOf(3_000, 700);
    const members = isSafe ? SAFE_MEMBER_ROWS : MEMBER_ROWS;
    const items = blocks.flatMap((block) => [...itemsOf(block)]);
    const told = Buffer.concat(await collect({ rows: 'members', type, isSafe }, blocks)).toString();
    expect(told).toBe(headOf(type, members) + formatRows(type, members, items));

    const changes = isSafe ? SAFE_CHANGE_ROWS : CHANGE_ROWS;
    const changed: ChangeBlock[] = blocks.map(({ ids }, i) => ({ change: i < 2 ? 'removed' : 'added', ids }));
    const users = items.map(
      ({ user_id }, i) => ({ change: i < 1_400 ? 'removed' : 'added', userId: user_id }) as const,
    );
    const difference = Buffer.concat(await collect({ rows: 'changes', type, isSafe }, changed)).toString();
    expect(difference).toBe(headOf(type, changes) + formatRows(type, changes, users));
  });

  it('has a chunk a block, none of a block without rows, and the head of CSV whatever there is', async () => {
    const [first, second] = blocksOf(2, 1);
    const texts = async (type: TextType, blocks: RowBlock[]) =>
      (await collect({ rows: 'changes', type, isSafe: false }, blocks)).map(String);
    const [a, b] = [first!, second!].map(({ ids }): ChangeBlock => ({ change: 'added', ids }));
    const nobody: ChangeBlock = { change: 'added', ids: NOBODY.ids };
    expect(await texts(CSV_TYPE, [a!, nobody, b!])).toHaveLength(2);
    expect(await texts(CSV_TYPE, [nobody])).toEqual(['change,user_id\r\n']);
    expect(await texts(NDJSON_TYPE, [nobody])).toEqual([]);
  });
});

describe('the event loop', () => {
  it('gathers one block at a time, and turns while the thread writes a row group', async () => {
    let gathered = 0;
    let most = 0;
    function* counted() {
      for (const block of blocksOf(40_000, 2_000)) {
        gathered += block.ranks.length;
        yield block;
      }
    }
    let isOver = false;
    const look = () => {
      most = Math.max(most, gathered);
      gathered = 0;
      if (!isOver) setImmediate(look);
    };
    setImmediate(look);
    const rows = await collect({ ...PARQUET, rowGroupRows: 20_000 }, counted());
    isOver = true;
    expect(await parquetReadObjects({ file: new Uint8Array(Buffer.concat(rows)).buffer })).toHaveLength(40_000);
    expect(most).toBe(2_000);
  });

  it('is not held while a block is encoded, whatever its size', async () => {
    const [block] = blocksOf(200_000, 200_000);
    for (const encoding of [PARQUET, { rows: 'members', type: NDJSON_TYPE, isSafe: false } as const]) {
      let isEncoding = false;
      let turns = 0;
      function* watched() {
        isEncoding = true;
        yield block!;
        isEncoding = false;
      }
      let isDone = false;
      const reading = collect(encoding, watched()).finally(() => {
        isDone = true;
      });
      while (!isDone) {
        await nextTurn();
        if (isEncoding) turns += 1;
      }
      await reading;
      // one or two if it were done here
      expect(turns).toBeGreaterThan(20);
    }
  });

  it('reads nothing ahead of the client', async () => {
    let read = 0;
    function* counted() {
      for (const block of blocksOf(7_000, 700)) {
        read += 1;
        yield block;
      }
    }
    const chunks = encoder.encode(PARQUET, oneByOne(counted()), turn);
    await chunks.next();
    const before = read;
    for (let i = 0; i < 50; i++) await nextTurn();
    expect([before, read]).toEqual([1, 1]);
    await chunks.return(undefined);
  });
});

describe('many streams at once', () => {
  it('each gets its own rows, and none is more than two blocks ahead', async () => {
    const progress = Array.from({ length: 64 }, () => 0);
    let apart = 0;
    function* counted(stream: number) {
      for (const block of blocksOf(3_000, 300)) {
        progress[stream]! += 1;
        apart = Math.max(apart, Math.max(...progress) - Math.min(...progress));
        yield block;
      }
    }
    const expected = await parquetReadObjects({
      file: new Uint8Array(Buffer.concat(await collect(PARQUET, blocksOf(3_000, 300)))).buffer,
    });
    expect(expected.map(({ user_id }) => user_id)).toEqual(
      Array.from({ length: 3_000 }, (_, i) => IDS[i % IDS.length]),
    );
    const files = await Promise.all(progress.map((_, stream) => collect(PARQUET, counted(stream))));
    for (const file of files)
      expect(await parquetReadObjects({ file: new Uint8Array(Buffer.concat(file)).buffer })).toEqual(expected);
    expect(apart).toBeLessThanOrEqual(2);
  });
});

describe('the end of a stream', () => {
  it('that nobody reads on stops what it reads, and others go on', async () => {
    let read = 0;
    function* counted() {
      try {
        for (;;) {
          read += 1;
          yield blocksOf(700, 700)[0]!;
        }
      } finally {
        read = -1;
      }
    }
    for await (const _ of encoder.encode(PARQUET, oneByOne(counted()), turn)) break;
    expect(read).toBe(-1);
    expect(await collect(PARQUET, blocksOf(10, 5))).not.toHaveLength(0);
  });

  it('that fails is told what its blocks threw', async () => {
    function* failing() {
      yield blocksOf(5, 5)[0]!;
      throw new Error('the disk failed');
    }
    await expect(collect(PARQUET, failing())).rejects.toThrow('the disk failed');
  });

  it('comes with an error where the encoder is closed, and the next stream starts another thread', async () => {
    const own = new StreamEncoder();
    const chunks = own.encode(PARQUET, oneByOne(blocksOf(3_000, 700)), turn);
    await chunks.next();
    await own.close();
    await expect(chunks.next()).rejects.toThrow('closed');
    expect(await collect(PARQUET, blocksOf(10, 5), own)).not.toHaveLength(0);
    await own.close();
  });
});
