/** Damages files: flipped bits, truncation, pieces of other files, and changed fields with matching lengths. */
import type { Rng } from '../../src/lib/rng.ts';
import { allFields, readWire, type WireField, writeWire } from './wire.ts';

export const MUTATIONS = ['flip', 'truncate', 'splice', 'number', 'elements', 'field', 'graft'] as const;
export type Mutation = (typeof MUTATIONS)[number];

/** `raw_data` of a TensorProto. */
const RAW_DATA = 9;

/** Numbers at which sizes, types, axes and versions break. */
const NUMBERS = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  10n,
  13n,
  16n,
  21n,
  22n,
  127n,
  128n,
  255n,
  65_535n,
  1_000_000n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
  2n ** 64n - 2n,
];

/** `file` with one to six mutations of one kind, usually one. `others` provide pieces. */
export function mutate(rng: Rng, kind: Mutation, file: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const times = rng.integer(3) === 0 ? 2 + rng.integer(5) : 1;
  const other = others[rng.integer(others.length)]!;
  if (kind === 'truncate') return file.subarray(0, rng.integer(file.length));
  if (kind === 'flip') return flipBytes(rng, file, times);
  if (kind === 'splice') return splice(rng, file, other);
  const fields = readWire(file)!;
  for (let i = 0; i < times; i++) {
    if (kind === 'number') changeNumber(rng, fields);
    else if (kind === 'elements') changeElements(rng, fields);
    else if (kind === 'field') changeField(rng, fields);
    else graft(rng, fields, readWire(other)!);
  }
  return writeWire(fields);
}

function flipBytes(rng: Rng, file: Uint8Array, times: number): Uint8Array {
  const out = Uint8Array.from(file);
  for (let i = 0; i < times; i++) out[rng.integer(out.length)] = rng.integer(256);
  return out;
}

/** Replaces a piece of `file` by a piece of `other`. */
function splice(rng: Rng, file: Uint8Array, other: Uint8Array): Uint8Array {
  const at = rng.integer(file.length);
  const from = rng.integer(other.length);
  const piece = other.subarray(from, from + rng.integer(200));
  return Buffer.concat([file.subarray(0, at), piece, file.subarray(at + rng.integer(200))]);
}

function changeNumber(rng: Rng, fields: WireField[]): void {
  const numbers = allFields(fields).filter(({ field }) => typeof field.value === 'bigint');
  if (numbers.length === 0) return;
  const { field } = numbers[rng.integer(numbers.length)]!;
  const old = field.value as bigint;
  field.value = rng.integer(3) === 0 ? old + BigInt(rng.integer(5) - 2) : NUMBERS[rng.integer(NUMBERS.length)]!;
}

/** Writes a number into one of the small integer vectors of a file, which are shapes, axes and indices. */
function changeElements(rng: Rng, fields: WireField[]): void {
  const vectors = allFields(fields).filter(({ field: { number, value } }) => {
    const length = value instanceof Uint8Array ? value.length : 0;
    return number === RAW_DATA && length >= 8 && length <= 64 && length % 8 === 0;
  });
  if (vectors.length === 0) return;
  const { field } = vectors[rng.integer(vectors.length)]!;
  const data = Buffer.from(field.value as Uint8Array);
  const at = 8 * rng.integer(data.length / 8);
  data.writeBigUInt64LE(rng.integer(2) === 0 ? BigInt(rng.integer(6)) : NUMBERS[rng.integer(NUMBERS.length)]!, at);
  field.value = data;
}

/** Replaces a field by one of the same number from another file: a node by a node, a name by a name. */
function graft(rng: Rng, fields: WireField[], others: WireField[]): void {
  const all = allFields(fields);
  if (all.length === 0) return;
  const { list, field } = all[rng.integer(all.length)]!;
  const same = allFields(others).filter(
    (other) => other.field.number === field.number && other.field.type === field.type,
  );
  if (same.length > 0) list.splice(list.indexOf(field), 1, same[rng.integer(same.length)]!.field);
}

/** Removes, duplicates, moves or renumbers a field, or changes its text. */
function changeField(rng: Rng, fields: WireField[]): void {
  const all = allFields(fields);
  if (all.length === 0) return;
  const { list, field } = all[rng.integer(all.length)]!;
  const at = list.indexOf(field);
  const other = all[rng.integer(all.length)]!;
  switch (rng.integer(6)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(at, 0, structuredClone(field));
      break;
    case 2:
      list.splice(at, 1, structuredClone(other.field));
      break;
    case 3:
      list.splice(at, 1, { ...field, number: 1 + rng.integer(20) });
      break;
    case 4:
      if (field.type === other.field.type) field.value = structuredClone(other.field.value);
      break;
    default:
      if (field.value instanceof Uint8Array)
        field.value = Buffer.from(rng.integer(2) === 0 ? '' : 'x'.repeat(rng.integer(9)));
  }
}
