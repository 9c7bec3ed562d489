/** Converts user sides to and from bytes. */
import { crc32 } from 'node:zlib';
import type { Tensor, TensorData } from '../../../packages/onnx-grad/index.ts';
import type { TokenLists } from '../scoring/pools.ts';

/** The part of scoring that depends on users alone, computed for some rows of a population. */
export interface UserSide {
  readonly count: number;
  readonly userNumbers: Int32Array;
  /** Values by name, `[count, ..]`. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** Lists by the name that `listName` returns. */
  readonly lists: ReadonlyMap<string, TokenLists>;
}

/**
 * Layout, little-endian: the magic, the crc32 of all later bytes (uint32), the size of the header (uint32), the header
 * as JSON, zeros up to a multiple of 8, then the arrays, each followed by zeros up to a multiple of 8.
 */
const MAGIC = 'USRSIDE1';
const START = 16;

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint16: Uint16Array,
  bool: Uint8Array,
} as const;
type ArrayType = keyof typeof ARRAYS;

interface Stored {
  readonly type: ArrayType;
  readonly length: number;
}

interface Header {
  /** Identifies the rows and the model. A file with a different key belongs to other rows or another model. */
  readonly key: string;
  readonly count: number;
  readonly values: readonly {
    readonly name: string;
    readonly dtype: Tensor['dtype'];
    readonly shape: readonly number[];
  }[];
  readonly lists: readonly { readonly name: string; readonly isWeighted: boolean }[];
  /** The arrays in the order of the file: user numbers, values, then the starts, tokens and weights of each list. */
  readonly arrays: readonly Stored[];
}

/** The parts of the file, in order; the arrays themselves, without a copy. */
export function encodeUserSide(key: string, side: UserSide): readonly Uint8Array[] {
  const lists = [...side.lists];
  const all: ArrayBufferView[] = [
    side.userNumbers,
    ...[...side.values.values()].map(({ data }) => data),
    ...lists.flatMap(([, { starts, tokens, weights }]) => [starts, tokens, ...(weights ? [weights] : [])]),
  ];
  const header: Header = {
    key,
    count: side.count,
    values: [...side.values].map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
    lists: lists.map(([name, { weights }]) => ({ name, isWeighted: weights !== null })),
    arrays: all.map((data) => ({ type: typeOf(data), length: (data as Uint8Array).length })),
  };
  const text = Buffer.from(JSON.stringify(header));
  const first = Buffer.alloc(padded(START + text.length));
  first.write(MAGIC, 0, 'latin1');
  first.writeUInt32LE(text.length, 12);
  text.copy(first, START);
  const parts = all.flatMap((data) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const missing = padded(bytes.length) - bytes.length;
    return missing === 0 ? [bytes] : [bytes, new Uint8Array(missing)];
  });
  first.writeUInt32LE(
    parts.reduce((sum, part) => crc32(part, sum), crc32(first.subarray(12))),
    8,
  );
  return [first, ...parts];
}

/**
 * Returns null if the bytes are damaged or have a different key. The arrays of the user side are views of `bytes`,
 * which must be aligned to 8 bytes.
 */
export function decodeUserSide(key: string, bytes: Uint8Array): UserSide | null {
  const found = readHeader(bytes);
  if (found?.header.key !== key) return null;
  const { header, length } = found;
  let at = bytes.byteOffset + padded(START + length);
  const arrays = header.arrays.map(({ type, length: count }) => {
    const array = new ARRAYS[type](bytes.buffer as ArrayBuffer, at, count);
    at += padded(array.byteLength);
    return array;
  });
  const take = <T extends ArrayBufferView>(): T => arrays.shift() as never;
  const userNumbers = take<Int32Array>();
  const values = new Map(
    header.values.map(({ name, dtype, shape }) => [name, { dtype, shape, data: take<TensorData>() }] as const),
  );
  const lists = new Map(
    header.lists.map(({ name, isWeighted }) => {
      const [starts, tokens] = [take<Int32Array>(), take<Uint16Array | Int32Array>()];
      return [name, { starts, tokens, weights: isWeighted ? take<Float32Array>() : null }] as const;
    }),
  );
  return { count: header.count, userNumbers, values, lists };
}

/** The key of the user side in a file's bytes; null if the bytes are damaged. */
export function findKeyOfUserSide(bytes: Uint8Array): string | null {
  return readHeader(bytes)?.header.key ?? null;
}

/** The header and the length of its text; null if the bytes are damaged. */
function readHeader(bytes: Uint8Array): { readonly header: Header; readonly length: number } | null {
  if (bytes.length < START) return null;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  if (view.readUInt32LE(8) !== crc32(view.subarray(12))) return null;
  const length = view.readUInt32LE(12);
  return { header: JSON.parse(view.toString('utf8', START, START + length)) as Header, length };
}

function typeOf(data: ArrayBufferView): ArrayType {
  return (Object.keys(ARRAYS) as ArrayType[]).find((type) => data instanceof ARRAYS[type])!;
}

const padded = (length: number): number => 8 * Math.ceil(length / 8);
