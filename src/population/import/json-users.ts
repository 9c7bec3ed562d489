/**
 * Reads users from NDJSON: one JSON object per line, with the user id and the features under the keys that a schema
 * names.
 */
import { lineError, readLines } from '../../dataset/lines.ts';
import { describeNoToken, findId, type JsonRecord, parseRecord } from '../../dataset/records.ts';
import { assert } from '../../lib/errors.ts';
import { type Cell, isPattern, type SourceFeature } from '../kinds/kind-import.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import type { ImportLimits } from './import-limits.ts';
import { placeError, type RowPlace } from './row-place.ts';
import type { SourceSchema } from './source-schema.ts';
import type { UserBatch, UserFile } from './user-file.ts';

/** Lists of tokens by feature and user id. */
export type Derived = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export interface JsonOptions {
  readonly schema: SourceSchema;
  readonly limits: ImportLimits;
  /** Features whose values are not in the file. */
  readonly derived?: Derived;
}

/**
 * Keys that are not in the schema are ignored. An id may also be a whole number, and a token may be a whole number,
 * true or false; such values are read as text. A missing value is written as null, '' (single) or [] (multi). Errors:
 * AppError `invalid_data` naming file:line.
 */
export function jsonUsers(path: string, options: JsonOptions): UserFile {
  async function* batches(): AsyncGenerator<UserBatch, void, void> {
    for await (const { firstLine, lines } of readLines(path, options.limits))
      yield new JsonBatch(path, firstLine, lines, options);
  }
  return { path, hasLines: true, idName: `"${options.schema.userId}"`, batches };
}

class JsonBatch implements UserBatch {
  readonly #path: string;
  readonly #firstLine: number;
  readonly #lines: readonly string[];
  readonly #options: JsonOptions;
  #record: JsonRecord = {};
  #id = '';

  constructor(path: string, firstLine: number, lines: readonly string[], options: JsonOptions) {
    this.#path = path;
    this.#firstLine = firstLine;
    this.#lines = lines;
    this.#options = options;
  }

  get count(): number {
    return this.#lines.length;
  }

  lineOf(row: number): number {
    return this.#firstLine + row;
  }

  userId(row: number): string | null {
    const line = this.lineOf(row);
    const record = parseRecord(this.#lines[row]!, this.#path, line);
    if (record === null) return null;
    const { schema, limits } = this.#options;
    const value = Object.hasOwn(record, schema.userId) ? record[schema.userId] : undefined;
    const id = findId(value);
    if (id === null) {
      const expected = `it must be text of 1 to ${limits.maximumUserIdBytes} bytes, or a whole number`;
      throw lineError(this.#path, line, `"${schema.userId}" is ${describeNoToken(value)}; ${expected}`);
    }
    this.#record = record;
    this.#id = id;
    return id;
  }

  readValues(_: number, cells: readonly Cell[]): void {
    for (const cell of cells) {
      const { feature, place } = cell;
      const derived = this.#options.derived?.get(feature.name);
      const value = derived ? (derived.get(this.#id) ?? []) : fieldOf(this.#record, feature, place);
      KIND_IMPORTS[feature.kind].parse(value, cell);
    }
  }
}

function fieldOf(record: JsonRecord, feature: SourceFeature, place: RowPlace): unknown {
  if (isPattern(feature)) return gather(record, feature);
  if (Object.hasOwn(record, feature.column)) return record[feature.column];
  throw placeError(place, `the feature "${feature.name}" is absent: write null for an unknown value`);
}

/**
 * The numbers in v_0, v_1, ...; null if all numbers are missing. If only some are missing, the list contains nulls,
 * which later cause an error.
 */
function gather(record: JsonRecord, { column, size }: SourceFeature): unknown {
  assert(size !== undefined, 'a vector has a size');
  const first = Object.hasOwn(record, column.replace('*', '0')) ? 0 : 1;
  const values = Array.from({ length: size }, (_, i) => record[column.replace('*', String(i + first))] ?? null);
  return values.every((value) => value === null) ? null : values;
}
