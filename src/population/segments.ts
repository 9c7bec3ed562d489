/** Segments: the columns of a population, 65,536 rows a file, as Arrow IPC. */

import {
  type Data,
  DataType,
  Field,
  Int32,
  List,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableFromIPC,
  tableToIPC,
} from 'apache-arrow';
import type { Feature } from '../dataset/features.ts';
import { AppError, messageOf } from '../lib/errors.ts';
import type { FeatureKind } from '../lib/feature-kinds.ts';

/** Rows of a segment; the last one of a version may have fewer. */
export const SEGMENT_ROWS = 65_536;

/** The Arrow column of the user numbers; feature f is the column `user.f`. */
const USER_NUMBER = 'user_number';

/** The codes of one feature. `offsets[0]` is 0 and row i has `codes[offsets[i] .. offsets[i + 1])`. */
export type Column =
  | { readonly kind: 'single'; readonly codes: Int32Array }
  | { readonly kind: 'multi'; readonly offsets: Int32Array /* rows + 1 */; readonly codes: Int32Array };

/** A segment, or any rows gathered. Its arrays may be shared: they are never written. */
export interface Rows {
  readonly count: number;
  readonly userNumbers: Int32Array;
  readonly columns: ReadonlyMap<string, Column>;
}

/** Where the codes of a row begin in `column.codes`; they end where those of `row + 1` begin. */
export function startOf(column: Column, row: number): number {
  switch (column.kind) {
    case 'single':
      return row;
    case 'multi':
      return column.offsets[row]!;
  }
}

/**
 * Rows as an Arrow IPC file: int32 `user_number`, then `user.<feature>` as int32 or list of int32, in the order of
 * `features`. No nulls.
 */
export function encodeSegment(rows: Rows, features: readonly Feature[]): Uint8Array {
  const int32 = new Int32();
  const fields = [new Field<Int32 | List<Int32>>(USER_NUMBER, int32, false)];
  const children: Data<Int32 | List<Int32>>[] = [int32Data(rows.userNumbers)];
  for (const { name } of features) {
    const data = columnData(rows.columns.get(name)!, rows.count);
    fields.push(new Field(columnName(name), data.type, false));
    children.push(data);
  }
  const schema = new Schema(fields);
  const data = makeData({ type: new Struct(fields), length: rows.count, nullCount: 0, children });
  return tableToIPC(new Table(schema, [new RecordBatch(schema, data)]), 'file');
}

/**
 * Reads an Arrow IPC file with the columns that `encodeSegment` writes (others are ignored). The arrays are views of
 * `bytes` wherever its alignment and its offsets allow. Errors: AppError `invalid_population` naming `path`.
 */
export function decodeSegment(bytes: Uint8Array, features: readonly Feature[], path: string): Rows {
  const batch = readOnlyBatch(bytes, path);
  const find = (name: string): Data | undefined =>
    batch.data.children[batch.schema.fields.findIndex((field) => field.name === name)];
  const userNumbers = readInt32(find(USER_NUMBER), `${path}: column ${USER_NUMBER}`);
  const columns = new Map<string, Column>();
  for (const { name, kind } of features) {
    const data = find(columnName(name));
    const where = `${path}: column ${columnName(name)}`;
    columns.set(name, readColumn(kind, data, where));
  }
  return { count: batch.numRows, userNumbers, columns };
}

/** What a segment holds in memory, in bytes. */
export function sizeOfRows(rows: Rows): number {
  let bytes = rows.userNumbers.byteLength;
  for (const column of rows.columns.values()) {
    bytes += sizeOfColumn(column);
  }
  return bytes;
}

function sizeOfColumn(column: Column): number {
  switch (column.kind) {
    case 'single':
      return column.codes.byteLength;
    case 'multi':
      return column.codes.byteLength + column.offsets.byteLength;
  }
}

function columnName(feature: string): string {
  return `user.${feature}`;
}

function int32Data(values: Int32Array): Data<Int32> {
  return makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values });
}

function columnData(column: Column, length: number): Data<Int32 | List<Int32>> {
  const child = int32Data(column.codes);
  switch (column.kind) {
    case 'single':
      return child;
    case 'multi': {
      const type = new List(new Field('item', child.type, false));
      return makeData({ type, length, nullCount: 0, valueOffsets: column.offsets, child });
    }
  }
}

function readColumn(kind: FeatureKind, data: Data | undefined, where: string): Column {
  switch (kind) {
    case 'single':
      return { kind, codes: readInt32(data, where) };
    case 'multi':
      return readList(data, where);
  }
}

function readOnlyBatch(bytes: Uint8Array, path: string): RecordBatch {
  let batches: readonly RecordBatch[];
  try {
    batches = tableFromIPC(bytes).batches;
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read as Arrow IPC: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (batches.length !== 1)
    throw new AppError('invalid_population', `${path} has ${batches.length} record batches, one is needed`);
  return batches[0]!;
}

function readInt32(data: Data | undefined, where: string): Int32Array {
  if (!data || !isInt32(data.type) || data.nullCount > 0) {
    throw new AppError('invalid_population', `${where} is not int32 without nulls`);
  }
  // `values` already starts at the data's offset; what may follow is padding.
  return (data.values as Int32Array).subarray(0, data.length);
}

function isInt32(type: DataType): boolean {
  return DataType.isInt(type) && type.bitWidth === 32 && type.isSigned;
}

function readList(data: Data | undefined, where: string): Column {
  if (!data || !DataType.isList(data.type) || data.nullCount > 0) {
    throw new AppError('invalid_population', `${where} is not a list of int32 without nulls`);
  }
  const items = readInt32(data.children[0], where);
  const offsets = (data.valueOffsets as Int32Array).subarray(0, data.length + 1);
  const first = offsets[0]!;
  const last = offsets[data.length]!;
  if (last > items.length) throw new AppError('invalid_population', `${where} has offsets past its items`);
  // A batch that was cut out of a larger one keeps the larger one's offsets.
  return {
    kind: 'multi',
    offsets: first === 0 ? offsets : offsets.map((offset) => offset - first),
    codes: items.subarray(first, last),
  };
}
