/** Reads the user in a row: determines the user number, and adds codes and numbers to the columns of the open row. */
import { FULL, type TextTable } from '../../lib/text/text-table.ts';
import { type ColumnPlan, type TableShape, textPlan, typeGroup, typeOf, unusable } from '../kinds/column-plan.ts';
import type { Cell, SourceFeature } from '../kinds/kind-import.ts';
import { stringOf, type Utf8 } from '../kinds/tokens.ts';
import type { ImportLimits } from './import-limits.ts';
import { placeError, type RowPlace, textError } from './row-place.ts';
import type { SegmentBuilder } from './segment-builder.ts';
import type { SourceSchema } from './source-schema.ts';
import type { UserBatch, UserFile } from './user-file.ts';

/**
 * Receives users as they are read: new strings are added to the tables, and one row per user is added to the builder.
 */
export interface UserSink {
  readonly directory: TextTable;
  /** One dictionary per feature, in the schema's order; the dictionary of a feature without tokens stays empty. */
  readonly dictionaries: readonly TextTable[];
  readonly segment: SegmentBuilder;
  /** Users to leave out. */
  readonly erased?: { readonly isNeeded: boolean; has(userId: string): boolean };
}

/** Returned in place of a user number: the user was erased, or the row is blank. */
export const ERASED = -5;
export const BLANK = -6;

/** Reads the rows of one file into one sink. */
export class UserReader {
  readonly place: RowPlace;
  readonly #idName: string;
  readonly #sink: UserSink;
  readonly #limits: ImportLimits;
  readonly #cells: readonly Cell[];

  constructor(file: UserFile, sink: UserSink, features: readonly SourceFeature[], limits: ImportLimits) {
    const place = { path: file.path, line: 0, hasLines: file.hasLines };
    this.place = place;
    this.#idName = file.idName;
    this.#sink = sink;
    this.#limits = limits;
    this.#cells = features.map((feature, i) => {
      const [column, dictionary] = [sink.segment.columns[i]!, sink.dictionaries[i]!];
      return { place, feature, column, dictionary, limits };
    });
  }

  /**
   * Reads the user of one row into the sink as an open row and returns the user number; the caller ends the row. A
   * missing value is read as code 0 (single), no codes (multi) or NaN (numbers). Empty strings in a list are left out.
   * For an erased user or a blank row, nothing is read, and ERASED or BLANK is returned. Errors: AppError
   * `invalid_data` naming the place; the sink must then be discarded.
   */
  read(batch: UserBatch, row: number): number {
    this.place.line = batch.lineOf(row);
    const id = batch.userId(row);
    if (id === null) return BLANK;
    const userNumber = this.#numberOf(id);
    if (userNumber !== ERASED) batch.readValues(row, this.#cells);
    return userNumber;
  }

  #numberOf(id: string | Utf8): number {
    const { maximumUserIdBytes, maximumUsers } = this.#limits;
    const { directory, erased } = this.#sink;
    checkNotEmpty(id, this.place, this.#idName, maximumUserIdBytes);
    if (erased?.isNeeded && erased.has(stringOf(id))) return ERASED;
    const userNumber =
      typeof id === 'string'
        ? directory.add(id, maximumUserIdBytes)
        : directory.addUtf8(id.bytes, id.start, id.length, maximumUserIdBytes);
    if (userNumber >= 0 && userNumber < maximumUsers) return userNumber;
    if (userNumber >= 0 || userNumber === FULL)
      throw placeError(this.place, 'the directory is full: too many users', { limit: maximumUsers });
    throw textError(this.place, this.#idName, stringOf(id), userNumber, maximumUserIdBytes);
  }
}

/** Throws AppError `invalid_data` if an id is empty. */
export function checkNotEmpty(id: string | Utf8, place: RowPlace, idName: string, maximumBytes: number): void {
  if (id.length === 0) throw placeError(place, `${idName} is empty; it must be text of 1 to ${maximumBytes} bytes`);
}

/** Plans how to read the column of user ids. Errors: AppError `invalid_data` naming the column. */
export function planUserId({ userId: column }: Pick<SourceSchema, 'userId'>, shape: TableShape): ColumnPlan {
  const group = typeGroup(typeOf(shape, column, 'user_id'));
  if (group !== 'text' && group !== 'integer') throw unusable(shape, column, 'user ids must be text or whole numbers');
  return textPlan(column);
}
