/** Reads the rows of users from files into a new version, and finds the rows to leave out. */
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import type { SourceFeature } from '../kinds/kind-import.ts';
import { RowSet } from '../read/row-set.ts';
import { type BadRows, type Duplicates, LastRows, WORST_ROWS } from './bad-rows.ts';
import type { ImportLimits } from './import-limits.ts';
import { BLANK, ERASED, UserReader, type UserSink } from './read-user.ts';
import { placeError, type RowPlace } from './row-place.ts';
import { describeFault, type RowFault, type RowSink } from './row-sink.ts';
import { SegmentBuilder } from './segment-builder.ts';
import type { UserBatch, UserFile } from './user-file.ts';

/** The progress report of an import. */
export interface ImportProgress {
  /** If rows may be skipped, all rows are checked before any row is written. */
  readonly phase: 'checking' | 'writing';
  /** Number of rows so far. */
  readonly rows: number;
  /** Total number of rows, if known. */
  readonly total?: number;
}

export interface RowOptions {
  readonly features: readonly SourceFeature[];
  readonly limits: ImportLimits;
  /** Collects bad rows to leave out; if absent, the first bad row ends the import. */
  readonly badRows?: BadRows;
  readonly duplicates?: Duplicates;
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Rows to leave out. Rows are numbered across all files, including blank rows. */
interface LeftOut {
  readonly bad: RowSet;
  readonly replaced: RowSet;
}

/** Number of rows that are checked with one set of temporary tables. */
const CHECKED_ROWS = 65_536;

/**
 * Reads the users of `files`. Returns the number of rows that were replaced by a later row of the same user. Errors:
 * AppError `invalid_data`, `storage_failed`.
 */
export async function readRows(files: readonly UserFile[], writer: RowSink, options: RowOptions): Promise<number> {
  try {
    return await readAllRows(files, writer, options);
  } finally {
    await writer.settle();
  }
}

async function readAllRows(files: readonly UserFile[], writer: RowSink, options: RowOptions): Promise<number> {
  const { features, limits, badRows, duplicates, onProgress } = options;
  const mayLeaveOut = (badRows?.maximum ?? 0) > 0 || duplicates === 'last';
  const { bad, replaced } = mayLeaveOut
    ? await findRowsToLeaveOut(files, options, writer)
    : { bad: new RowSet(), replaced: new RowSet() };
  const total = totalOf(files);
  if (writer.directory.count === 0) writer.directory.reserve(Math.min(total.total ?? 0, limits.maximumUsers));
  let first = 0;
  for (const file of files) {
    const reader = new UserReader(file, writer, features, limits);
    for await (const batch of file.batches()) {
      for (let row = 0; row < batch.count; row++) {
        if (bad.has(first + row) || replaced.has(first + row)) continue;
        let userNumber: number;
        try {
          userNumber = reader.read(batch, row);
        } catch (error) {
          if (!mayLeaveOut && badRows !== undefined) await refuseAll(files, first + row, options, writer, badRows);
          throw error;
        }
        if (userNumber === ERASED) writer.erased.count(1);
        if (userNumber === ERASED || userNumber === BLANK) continue;
        const fault = writer.endRow(userNumber);
        if (fault !== null) throw refusedRow(fault, userNumber, reader.place, writer);
      }
      first += batch.count;
      await writer.writeAhead();
      onProgress?.({ phase: 'writing', rows: writer.rows, ...total });
    }
  }
  return replaced.size;
}

function refusedRow(fault: RowFault, user: UserNumber, place: RowPlace, { directory }: RowSink): AppError {
  const value = directory.text(user);
  return placeError(place, describeFault(fault, value), { value });
}

/**
 * Throws one error that lists the first bad rows, starting at row `from`. Returns normally if every row can be read on
 * its own.
 */
async function refuseAll(
  files: readonly UserFile[],
  from: number,
  options: RowOptions,
  writer: RowSink,
  badRows: BadRows,
): Promise<void> {
  const errors: AppError[] = [];
  await checkRows(files, options, writer, (row, outcome) => {
    if (row >= from && outcome instanceof AppError) errors.push(outcome);
    return errors.length < WORST_ROWS;
  });
  badRows.addAll(errors);
}

/**
 * Finds bad and replaced rows before anything is stored, because these rows must not add tokens to the dictionaries.
 */
async function findRowsToLeaveOut(files: readonly UserFile[], options: RowOptions, writer: RowSink): Promise<LeftOut> {
  const [bad, replaced, lastRows] = [new RowSet(), new RowSet(), new LastRows()];
  const { badRows, duplicates } = options;
  await checkRows(files, options, writer, (row, outcome) => {
    if (outcome instanceof AppError) {
      if (badRows === undefined) throw outcome;
      badRows.add(outcome);
      bad.add(row);
    } else if (duplicates === 'last' && outcome >= 0) lastRows.see(outcome, row, replaced);
    return true;
  });
  return { bad, replaced };
}

/**
 * Reads the rows without storing them, until `take` returns false. `take` receives the row's error, or a number for the
 * row's user (negative if the row has no user). If `duplicates` is `last`, rows of the same user have the same number.
 */
async function checkRows(
  files: readonly UserFile[],
  { features, limits, duplicates, onProgress }: RowOptions,
  { erased }: RowSink,
  take: (row: number, outcome: number | AppError) => boolean,
): Promise<void> {
  // temporary tables have no limits, because with `last`, one table holds the ids of all users
  const unlimited = { ...limits, maximumUsers: Infinity, maximumTokensPerDictionary: Infinity };
  let directory = new TextTable();
  const newReader = (file: UserFile) => {
    if (duplicates !== 'last') directory = new TextTable();
    const dictionaries = features.map(() => new TextTable());
    // rows are never ended, so all values form one long row
    const sink: UserSink = { directory, dictionaries, segment: new SegmentBuilder(features, 1), erased };
    return new UserReader(file, sink, features, unlimited);
  };
  const total = totalOf(files);
  let row = 0;
  for (const file of files) {
    let reader = newReader(file);
    for await (const batch of file.batches()) {
      for (let i = 0; i < batch.count; i++, row++) {
        if (row % CHECKED_ROWS === 0) reader = newReader(file);
        if (!take(row, outcomeOf(reader, batch, i))) return;
      }
      onProgress?.({ phase: 'checking', rows: row, ...total });
    }
  }
}

function outcomeOf(reader: UserReader, batch: UserBatch, row: number): number | AppError {
  try {
    return reader.read(batch, row);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

/** The total number of rows in all files, if known. */
function totalOf(files: readonly UserFile[]): { readonly total?: number } {
  const total = files.reduce((sum, { rows = Number.NaN }) => sum + rows, 0);
  return Number.isNaN(total) ? {} : { total };
}
