/** Segments as files of Arrow IPC: zero-copy, rebased, refused. */
import {
  Field,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
  vectorFromArray,
} from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { SegmentBuilder } from '../../src/population/import/segment-builder.ts';
import { decodeSegment, encodeSegment, type Rows, sizeOfRows } from '../../src/population/read/segments.ts';
import { allCodesOf, codesOf, FEATURES, refusalOf } from './support.ts';

function build(lists: readonly (readonly number[])[]): Rows {
  const segment = new SegmentBuilder(FEATURES, lists.length);
  for (const [i, list] of lists.entries()) {
    segment.columns[0]!.push(i + 1);
    for (const code of list) segment.columns[1]!.push(code);
    segment.endRow(10 * i);
  }
  return segment.view();
}

describe('encodeSegment and decodeSegment', () => {
  it('give back the rows, as views of the file', () => {
    const bytes = encodeSegment(build([[1, 2], [], [3]]), FEATURES);
    const rows = decodeSegment(bytes, FEATURES, 's');
    const likes = rows.columns.get('likes')!;
    expect([rows.count, [...rows.userNumbers], [...allCodesOf(rows.columns.get('city'))]]).toEqual([
      3,
      [0, 10, 20],
      [1, 2, 3],
    ]);
    expect([0, 1, 2].map((row) => codesOf(likes, row))).toEqual([[1, 2], [], [3]]);
    expect(likes.kind === 'multi' && likes.offsets.length).toBe(4);
    for (const array of [rows.userNumbers, allCodesOf(likes), allCodesOf(rows.columns.get('city'))])
      expect(array.buffer).toBe(bytes.buffer);
  });

  it('hold lists that are all empty', () => {
    const rows = decodeSegment(encodeSegment(build([[], []]), FEATURES), FEATURES, 's');
    expect([0, 1].map((row) => codesOf(rows.columns.get('likes')!, row))).toEqual([[], []]);
  });

  it('can be read by any reader of Arrow', () => {
    const table = tableFromIPC(encodeSegment(build([[1, 2], []]), FEATURES));
    expect(table.schema.toString()).toBe(
      'Schema<{ 0: user_number: Int32, 1: user.city: Int32, 2: user.likes: List<Int32> }>',
    );
    expect(table.toArray().map((row) => JSON.parse(JSON.stringify(row)))).toEqual([
      { user_number: 0, 'user.city': 1, 'user.likes': [1, 2] },
      { user_number: 10, 'user.city': 2, 'user.likes': [] },
    ]);
  });

  it('rebase offsets of a batch that was cut out of a larger one', () => {
    const type = new List(new Field('item', new Int32(), false));
    const child = makeData({ type: new Int32(), length: 6, nullCount: 0, data: Int32Array.of(9, 9, 1, 2, 3, 9) });
    const likes = makeData({ type, length: 2, nullCount: 0, valueOffsets: Int32Array.of(2, 4, 5), child });
    const fields = [
      new Field('user_number', new Int32(), false),
      new Field('user.city', new Int32(), false),
      new Field('user.likes', type, false),
    ];
    const plain = () => makeData({ type: new Int32(), length: 2, nullCount: 0, data: Int32Array.of(7, 8) });
    const data = makeData({ type: new Struct(fields), length: 2, nullCount: 0, children: [plain(), plain(), likes] });
    const table = new Table(new Schema(fields), [new RecordBatch(new Schema(fields), data)]);
    const column = decodeSegment(tableToIPC(table, 'file'), FEATURES, 's').columns.get('likes')!;
    expect(column).toEqual({ kind: 'multi', offsets: Int32Array.of(0, 2, 3), codes: Int32Array.of(1, 2, 3) });
  });

  it('read a file that lies unaligned in memory', () => {
    const bytes = encodeSegment(build([[1, 2], [3]]), FEATURES);
    const shifted = new Uint8Array(bytes.length + 1).subarray(1);
    shifted.set(bytes);
    expect(decodeSegment(shifted, FEATURES, 's')).toEqual(decodeSegment(bytes, FEATURES, 's'));
  });

  it('refuse bytes that are not Arrow, and columns that are absent or of another type', async () => {
    expect((await refusalOf(() => decodeSegment(new Uint8Array(64), FEATURES, 's.arrow'))).message).toMatch(
      /^s\.arrow /,
    );
    const bytes = encodeSegment(build([[1]]), FEATURES);
    expect((await refusalOf(() => decodeSegment(bytes, [{ name: 'zip', kind: 'single' }], 's'))).message).toBe(
      's: column user.zip must be int32 without nulls',
    );
    expect((await refusalOf(() => decodeSegment(bytes, [{ name: 'city', kind: 'multi' }], 's'))).message).toBe(
      's: column user.city must be a list of int32 without nulls',
    );
    const long = tableToIPC(new Table({ user_number: vectorFromArray([1n], new Int64()) }), 'file');
    expect(await refusalOf(() => decodeSegment(long, [], 's'))).toMatchObject({
      code: 'invalid_population',
      message: 's: column user_number must be int32 without nulls',
    });
    const nulls = tableToIPC(new Table({ user_number: vectorFromArray([1, null], new Int32()) }), 'file');
    expect((await refusalOf(() => decodeSegment(nulls, [], 's'))).message).toContain('without nulls');
  });

  it('count what rows hold', () => {
    expect(sizeOfRows(build([[1, 2], []]))).toBe(4 * (2 + 2 + 3 + 2));
  });
});

describe('SegmentBuilder', () => {
  it('starts over after `clear`, and grows for long lists', () => {
    const segment = new SegmentBuilder(FEATURES, 2);
    for (const length of [100_000, 1]) {
      segment.clear();
      segment.columns[0]!.push(5);
      for (let i = 0; i < length; i++) segment.columns[1]!.push(i);
      segment.endRow(3);
      const likes = segment.view().columns.get('likes')!;
      expect([segment.count, segment.isFull, codesOf(likes, 0).length, codesOf(likes, 0).at(-1)]).toEqual([
        1,
        false,
        length,
        length - 1,
      ]);
    }
  });
});
