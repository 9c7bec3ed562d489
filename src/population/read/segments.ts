/** Segments: the columns of a population, with 65,536 rows per file, as Arrow IPC. */

import { createRequire } from 'node:module';
import type * as Arrow from 'apache-arrow';
import type { Feature } from '../../dataset/features.ts';
import { AppError, messageOf } from '../../lib/errors.ts';
import { columnOf } from '../../lib/feature-kinds.ts';

/** Maximum number of rows per segment. */
export const SEGMENT_ROWS = 65_536;

/** Name of the Arrow column of user numbers; the column of feature f is `user.f`. */
const USER_NUMBER = 'user_number';

type Data<T extends Arrow.DataType = Arrow.DataType> = Arrow.Data<T>;
type ColumnType = Arrow.Int32 | Arrow.List<Arrow.Int32> | Arrow.Float32 | Arrow.FixedSizeList<Arrow.Float32>;

const load = createRequire(import.meta.url);
/** The library has 146 modules, which are loaded at the first use: an engine becomes ready without them. */
const arrow = (): typeof Arrow => load('apache-arrow');

/**
 * The codes of a feature with tokens. `offsets[0]` is 0, and the codes of row i are
 * `codes[offsets[i] .. offsets[i + 1])`.
 */
export type TokenColumn =
  | { readonly kind: 'single'; readonly codes: Int32Array }
  | { readonly kind: 'multi'; readonly offsets: Int32Array /* rows + 1 */; readonly codes: Int32Array };

/**
 * The numbers of a feature. The numbers of row i are `values[i * size .. (i + 1) * size)`, all NaN if the value is
 * missing.
 */
export type NumberColumn =
  | { readonly kind: 'number'; readonly size: 1; readonly values: Float32Array }
  | { readonly kind: 'vector'; readonly size: number; readonly values: Float32Array };

/** The values of one feature. */
export type Column = TokenColumn | NumberColumn;

export function isTokenColumn(column: Column): column is TokenColumn {
  return column.kind === 'single' || column.kind === 'multi';
}

/** The rows of a segment, or rows gathered from several segments. The arrays may be shared and must not be modified. */
export interface Rows {
  readonly count: number;
  readonly userNumbers: Int32Array;
  readonly columns: ReadonlyMap<string, Column>;
}

/** The index in `column.codes` at which the row's codes begin. The codes end where the codes of `row + 1` begin. */
export function startOf(column: TokenColumn, row: number): number {
  switch (column.kind) {
    case 'single':
      return row;
    case 'multi':
      return column.offsets[row]!;
  }
}

/**
 * Encodes rows as an Arrow IPC file: int32 `user_number`, followed by a column `user.<feature>` for each feature, in
 * the order of `features`. These columns are int32, list of int32, float32 or (for a vector) fixed-size list of
 * float32. There are no nulls: a missing number is NaN.
 */
export function encodeSegment(rows: Rows, features: readonly Feature[]): Uint8Array {
  const { Field, Int32, RecordBatch, Schema, Struct, Table, makeData, tableToIPC } = arrow();
  const fields = [new Field<ColumnType>(USER_NUMBER, new Int32(), false)];
  const children: Data<ColumnType>[] = [int32Data(rows.userNumbers)];
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
 * Reads an Arrow IPC file with the columns that `encodeSegment` writes (other columns are ignored). The arrays are
 * views of `bytes` if alignment and offsets allow. Errors: AppError `invalid_population` naming `path`.
 */
export function decodeSegment(bytes: Uint8Array, features: readonly Feature[], path: string): Rows {
  const batch = readOnlyBatch(bytes, path);
  const find = (name: string): Data | undefined =>
    batch.data.children[batch.schema.fields.findIndex((field) => field.name === name)];
  const userNumbers = readInt32(find(USER_NUMBER), `${path}: column ${USER_NUMBER}`);
  const columns = new Map<string, Column>();
  for (const feature of features) {
    const { name } = feature;
    const data = find(columnName(name));
    const where = `${path}: column ${columnName(name)}`;
    columns.set(name, readColumn(feature, data, where));
  }
  return { count: batch.numRows, userNumbers, columns };
}

/** The size of a segment in memory, in bytes. */
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
    case 'number':
    case 'vector':
      return column.values.byteLength;
  }
}

function columnName(feature: string): string {
  return `user.${feature}`;
}

function int32Data(values: Int32Array): Data<Arrow.Int32> {
  const { Int32, makeData } = arrow();
  return makeData({ type: new Int32(), length: values.length, nullCount: 0, data: values });
}

function columnData(column: Column, length: number): Data<ColumnType> {
  const { Field, FixedSizeList, List, makeData } = arrow();
  switch (column.kind) {
    case 'single':
      return int32Data(column.codes);
    case 'multi': {
      const child = int32Data(column.codes);
      const type = new List(new Field('item', child.type, false));
      return makeData({ type, length, nullCount: 0, valueOffsets: column.offsets, child });
    }
    case 'number':
      return float32Data(column.values);
    case 'vector': {
      const child = float32Data(column.values);
      const type = new FixedSizeList(column.size, new Field('item', child.type, false));
      return makeData({ type, length, nullCount: 0, child });
    }
  }
}

function readColumn({ kind: own, size = 1 }: Feature, data: Data | undefined, where: string): Column {
  const kind = columnOf(own);
  switch (kind) {
    case 'single':
      return { kind, codes: readInt32(data, where) };
    case 'multi':
      return readList(data, where);
    case 'number':
      return { kind, size: 1, values: readFloat32(data, where) };
    case 'vector':
      return { kind, size, values: readVectors(data, size, where) };
  }
}

function readOnlyBatch(bytes: Uint8Array, path: string): Arrow.RecordBatch {
  let batches: readonly Arrow.RecordBatch[];
  try {
    batches = arrow().tableFromIPC(bytes).batches;
  } catch (error) {
    throw new AppError('invalid_population', `${path} can't be read as Arrow IPC: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (batches.length !== 1)
    throw new AppError('invalid_population', `${path} has ${batches.length} record batches; it must have exactly one`);
  return batches[0]!;
}

function readInt32(data: Data | undefined, where: string): Int32Array {
  if (!data || !isInt32(data.type) || data.nullCount > 0) {
    throw new AppError('invalid_population', `${where} must be int32 without nulls`);
  }
  // `values` already starts at the offset of `data`, and may end with padding.
  return (data.values as Int32Array).subarray(0, data.length);
}

function float32Data(values: Float32Array): Data<Arrow.Float32> {
  const { Float32, makeData } = arrow();
  return makeData({ type: new Float32(), length: values.length, nullCount: 0, data: values });
}

function readFloat32(data: Data | undefined, where: string): Float32Array {
  const { DataType, Precision } = arrow();
  if (!data || !DataType.isFloat(data.type) || data.type.precision !== Precision.SINGLE || data.nullCount > 0) {
    throw new AppError('invalid_population', `${where} must be float32 without nulls`);
  }
  return (data.values as Float32Array).subarray(0, data.length);
}

function readVectors(data: Data | undefined, size: number, where: string): Float32Array {
  if (!data || !arrow().DataType.isFixedSizeList(data.type) || data.type.listSize !== size || data.nullCount > 0) {
    throw new AppError('invalid_population', `${where} must be a list of ${size} float32 without nulls`);
  }
  return readFloat32(data.children[0], where).subarray(data.offset * size, (data.offset + data.length) * size);
}

function isInt32(type: Arrow.DataType): boolean {
  return arrow().DataType.isInt(type) && type.bitWidth === 32 && type.isSigned;
}

function readList(data: Data | undefined, where: string): TokenColumn {
  if (!data || !arrow().DataType.isList(data.type) || data.nullCount > 0) {
    throw new AppError('invalid_population', `${where} must be a list of int32 without nulls`);
  }
  const items = readInt32(data.children[0], where);
  const offsets = (data.valueOffsets as Int32Array).subarray(0, data.length + 1);
  const first = offsets[0]!;
  const last = offsets[data.length]!;
  if (last > items.length) throw new AppError('invalid_population', `${where} has offsets past its items`);
  // Makes offsets start at 0. A batch that was sliced from a larger batch keeps the offsets of the larger batch.
  return {
    kind: 'multi',
    offsets: first === 0 ? offsets : offsets.map((offset) => offset - first),
    codes: items.subarray(first, last),
  };
}

/** Counts the rows that have a value in a column. */
export function countValues(column: Column, rows: number): number {
  let count = 0;
  switch (column.kind) {
    case 'single': {
      const { codes } = column;
      for (let row = 0; row < rows; row++) if (codes[row] !== 0) count += 1;
      return count;
    }
    case 'multi': {
      const { offsets } = column;
      for (let row = 0; row < rows; row++) if (offsets[row + 1]! > offsets[row]!) count += 1;
      return count;
    }
    case 'number':
    case 'vector': {
      const { size, values } = column;
      for (let row = 0; row < rows; row++) if (!Number.isNaN(values[row * size]!)) count += 1;
      return count;
    }
  }
}
