/**
 * Reads users from NDJSON: one JSON object per line, with the user id and the features under the keys that a schema
 * names.
 */
import { lineError, readBlocks } from '../../dataset/lines.ts';
import { describeNoToken, findId, type JsonRecord, parseRecord } from '../../dataset/records.ts';
import { type AppError, assert } from '../../lib/errors.ts';
import { type LineBlock, withoutReturn } from '../../lib/text/lines.ts';
import { type Cell, isPattern, type SourceFeature } from '../kinds/kind-import.ts';
import { checkLength, pushCode } from '../kinds/multi.ts';
import { KIND_IMPORTS } from '../kinds/table.ts';
import { codeOfUtf8, stringOf, type Utf8 } from '../kinds/tokens.ts';
import type { ImportLimits } from './import-limits.ts';
import { JsonScanner, NULL, OTHER, Seekable, TEXT, TEXTS } from './json-scanner.ts';
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
  /** Whether a `*` in a column name is an ordinary character. */
  readonly isLiteral?: boolean;
}

/**
 * Keys that are not in the schema are ignored. An id may also be a whole number, and a token may be a whole number,
 * true or false; such values are read as text. A missing value is written as null, '' (single) or [] (multi). Errors:
 * AppError `invalid_data` naming file:line.
 */
export function jsonUsers(path: string, options: JsonOptions): UserFile {
  async function* batches(): AsyncGenerator<UserBatch, void, void> {
    const scanner = new LineScanner(options);
    for await (const block of readBlocks(path, options.limits)) yield new JsonBatch(path, block, options, scanner);
  }
  return { path, hasLines: true, idName: `"${options.schema.userId}"`, batches };
}

class JsonBatch implements UserBatch {
  readonly #path: string;
  readonly #block: LineBlock;
  readonly #options: JsonOptions;
  readonly #scanner: LineScanner;
  /** The parsed line; null if the scanner has read it. */
  #record: JsonRecord | null = null;
  #id: string | Utf8 = '';

  constructor(path: string, block: LineBlock, options: JsonOptions, scanner: LineScanner) {
    this.#path = path;
    this.#block = block;
    this.#options = options;
    this.#scanner = scanner;
  }

  get count(): number {
    return this.#block.ends.length;
  }

  lineOf(row: number): number {
    return this.#block.firstLine + row;
  }

  userId(row: number): string | Utf8 | null {
    const { bytes, ends } = this.#block;
    const [start, end] = [row === 0 ? 0 : ends[row - 1]! + 1, ends[row]!];
    const scanned = this.#scanner.scan(bytes, start, end);
    if (scanned !== null) {
      this.#record = null;
      this.#id = scanned;
      return scanned;
    }
    return this.#parseLine(withoutReturn(bytes.toString('utf8', start, end)), this.lineOf(row));
  }

  #parseLine(text: string, line: number): string | null {
    const record = parseRecord(text, this.#path, line);
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
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]!;
      const { feature, place } = cell;
      const derived = this.#options.derived?.get(feature.name);
      const parse = KIND_IMPORTS[feature.kind].parse;
      if (derived !== undefined) parse(derived.get(stringOf(this.#id)) ?? [], cell);
      else if (this.#record === null) this.#scanner.readValue(i, cell);
      else if (!this.#options.isLiteral && isPattern(feature)) parse(gather(this.#record, feature), cell);
      else parse(fieldOf(this.#record, feature, place), cell);
    }
  }
}

/** Reads the usual lines of a file without JSON.parse. */
class LineScanner {
  /** null if a feature has a column for each of its numbers. */
  readonly #scanner: JsonScanner | null;
  readonly #idKey: number;
  /** By feature. */
  readonly #keys: readonly number[];
  readonly #id = new Seekable();
  readonly #token = new Seekable();

  constructor({ schema: { userId, features }, isLiteral = false }: JsonOptions) {
    const keys = [...new Set([userId, ...features.map(({ column }) => column)])];
    this.#scanner = !isLiteral && features.some(isPattern) ? null : new JsonScanner(keys);
    this.#idKey = keys.indexOf(userId);
    this.#keys = features.map(({ column }) => keys.indexOf(column));
  }

  /** Reads a line and returns its user id; null if the line must be parsed. */
  scan(bytes: Buffer, start: number, end: number): Utf8 | null {
    const scanner = this.#scanner;
    if (scanner === null || !scanner.scan(bytes, start, end) || scanner.kinds[this.#idKey] !== TEXT) return null;
    scanner.seekText(this.#id, this.#idKey);
    return this.#id;
  }

  /** Reads the value of a feature of the scanned line into its cell. */
  readValue(index: number, cell: Cell): void {
    const [scanner, key, token, kind] = [this.#scanner!, this.#keys[index]!, this.#token, cell.feature.kind];
    const { parse } = KIND_IMPORTS[kind];
    switch (scanner.kinds[key]) {
      case TEXT:
        scanner.seekText(token, key);
        // this creates no string per token
        if (kind === 'single') cell.column.push(codeOfUtf8(token, cell));
        else parse(stringOf(token), cell);
        break;
      case TEXTS:
        this.#readTexts(scanner, scanner.starts[key]!, scanner.ends[key]!, cell);
        break;
      case NULL:
        parse(null, cell);
        break;
      case OTHER:
        parse(scanner.parse(key), cell);
        break;
      default:
        throw absent(cell.feature, cell.place);
    }
  }

  #readTexts(scanner: JsonScanner, from: number, to: number, cell: Cell): void {
    const [token, { kind }] = [this.#token, cell.feature];
    if (kind === 'multi') {
      checkLength(to - from, cell);
      for (let item = from; item < to; item++) {
        scanner.seekItem(token, item);
        pushCode(codeOfUtf8(token, cell), cell);
      }
      return;
    }
    const texts = Array.from({ length: to - from }, (_, i) => {
      scanner.seekItem(token, from + i);
      return stringOf(token);
    });
    KIND_IMPORTS[kind].parse(texts, cell);
  }
}

function fieldOf(record: JsonRecord, feature: SourceFeature, place: RowPlace): unknown {
  if (Object.hasOwn(record, feature.column)) return record[feature.column];
  throw absent(feature, place);
}

function absent({ name }: SourceFeature, place: RowPlace): AppError {
  return placeError(place, `the feature "${name}" is absent: write null for an unknown value`);
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
