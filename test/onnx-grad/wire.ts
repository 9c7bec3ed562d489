/**
 * Protobuf without a schema: a file as a tree of fields, which can be changed and written again with lengths that fit.
 */

/** The contents of a field: a number (varint), 4 or 8 bytes, or bytes, which may be fields themselves. */
export type WireValue = bigint | Uint8Array | WireField[];

export interface WireField {
  readonly number: number;
  /** 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes. */
  readonly type: number;
  value: WireValue;
}

/** Bytes longer than this are tensor data, and are not parsed. */
const MAXIMUM_INNER_BYTES = 200_000;
const MAXIMUM_DEPTH = 12;

/** The fields of `bytes`, or null if they are not a message. */
export function readWire(bytes: Uint8Array, depth = 0): WireField[] | null {
  const fields: WireField[] = [];
  let at = 0;
  const varint = (): bigint | null => {
    let value = 0n;
    for (let term = 0n; term < 70n && at < bytes.length; term += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 127) << term;
      if (byte < 128) return value;
    }
    return null;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === null || tag >> 3n === 0n || tag >> 3n > 1000n) return null;
    const [number, type] = [Number(tag >> 3n), Number(tag & 7n)];
    if (type === 0) {
      const value = varint();
      if (value === null) return null;
      fields.push({ number, type, value });
      continue;
    }
    const length = type === 1 ? 8 : type === 5 ? 4 : type === 2 ? Number(varint() ?? -1n) : -1;
    if (length < 0 || at + length > bytes.length) return null;
    const inner = bytes.subarray(at, at + length);
    at += length;
    const isMessage = type === 2 && length > 1 && length < MAXIMUM_INNER_BYTES && depth < MAXIMUM_DEPTH;
    fields.push({ number, type, value: (isMessage ? readWire(inner, depth + 1) : null) ?? inner });
  }
  return fields;
}

export function writeWire(fields: readonly WireField[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { number, type, value } of fields) {
    parts.push(writeVarint(BigInt(number * 8 + type)));
    if (typeof value === 'bigint') parts.push(writeVarint(value));
    else {
      const inner = value instanceof Uint8Array ? value : writeWire(value);
      if (type === 2) parts.push(writeVarint(BigInt(inner.length)));
      parts.push(inner);
    }
  }
  return Buffer.concat(parts);
}

function writeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

/** Every field of a tree, with the list that contains it. */
export function allFields(fields: WireField[]): { list: WireField[]; field: WireField }[] {
  return fields.flatMap((field) => [
    { list: fields, field },
    ...(Array.isArray(field.value) ? allFields(field.value) : []),
  ]);
}
