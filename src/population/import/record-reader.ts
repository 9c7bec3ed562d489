/** Reads users from NDJSON into a version. */
import type { Feature } from '../../dataset/features.ts';
import { lineError, readLines } from '../../dataset/lines.ts';
import { type JsonRecord, parseRecord } from '../../dataset/records.ts';
import { AppError } from '../../lib/errors.ts';
import { TextTable } from '../../lib/text/text-table.ts';
import { RowSet } from '../read/row-set.ts';
import { type BadRows, type Duplicates, LastRows } from './bad-rows.ts';
import type { ImportLimits } from './import-limits.ts';
import { ERASED, readUser, type UserSink, userIdOf } from './read-user.ts';
import { describeFault, type RowSink } from './row-sink.ts';
import { SegmentBuilder } from './segment-builder.ts';

/** Lists of tokens by feature and user id. */
export type Derived = ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>;

export interface RecordOptions {
  readonly features: readonly Feature[];
  readonly limits: ImportLimits;
  /** Features whose values are not in the file: lists of tokens by user id. */
  readonly derived?: Derived;
  /** Converts a record so that its keys are names of features. Errors name file:line. */
  readonly toUser?: (record: JsonRecord, path: string, line: number) => JsonRecord;
  /** Collector of bad rows to leave out. Without this collector, the first bad row ends the import. */
  readonly badRows?: BadRows;
  readonly duplicates?: Duplicates;
  /** Callback after each batch of lines, with the number of users read so far. */
  readonly onProgress?: (usersRead: number) => void;
}

/** Number of rows that are checked with one set of temporary tables. */
const CHECKED_ROWS = 65_536;

/**
 * Reads the users of `paths`; returns the number of rows that a later row of the same user replaced. Errors:
 * `invalid_data`.
 */
export async function readRecords(paths: readonly string[], writer: RowSink, options: RecordOptions): Promise<number> {
  const { features, limits, onProgress } = options;
  const mayLeaveOut = (options.badRows?.maximum ?? 0) > 0 || options.duplicates === 'last';
  const leftOut = mayLeaveOut
    ? await findRowsToLeaveOut(paths, options, writer)
    : { bad: new RowSet(), replaced: new RowSet() };
  let row = 0;
  for (const path of paths) {
    for await (const { firstLine, lines } of readLines(path, limits)) {
      for (let i = 0; i < lines.length; i++) {
        const line = firstLine + i;
        if (leftOut.bad.has(row) || leftOut.replaced.has(row)) {
          row += 1;
          continue;
        }
        const user = toUser(lines[i]!, path, line, options);
        if (user === null) continue;
        row += 1;
        const userNumber = readUser(user, path, line, features, writer, limits);
        if (userNumber === ERASED) {
          writer.erased.count(1);
          continue;
        }
        const fault = writer.endRow(userNumber);
        if (fault === null) continue;
        const value = writer.directory.text(userNumber);
        throw lineError(path, line, describeFault(fault, value), { value });
      }
      onProgress?.(writer.rows);
    }
  }
  return leftOut.replaced.size;
}

function toUser(text: string, path: string, line: number, { toUser, derived }: RecordOptions): JsonRecord | null {
  const record = parseRecord(text, path, line);
  if (record === null) return null;
  const user = toUser ? toUser(record, path, line) : record;
  if (derived === undefined || derived.size === 0) return user;
  const lists = [...derived].map(([name, byUser]) => [name, byUser.get(userIdOf(user) ?? '') ?? []]);
  return { ...user, ...Object.fromEntries(lists) };
}

/**
 * Finds bad and replaced rows in a first pass that stores nothing, so that these rows do not add tokens to the
 * dictionaries. Blank lines are not counted.
 */
async function findRowsToLeaveOut(
  paths: readonly string[],
  options: RecordOptions,
  writer: RowSink,
): Promise<{ readonly bad: RowSet; readonly replaced: RowSet }> {
  const { features, limits, badRows, duplicates } = options;
  const [bad, replaced, lastRows] = [new RowSet(), new RowSet(), new LastRows()];
  let sink = newSink(features, writer);
  let row = 0;
  for (const path of paths) {
    for await (const { firstLine, lines } of readLines(path, limits)) {
      for (let i = 0; i < lines.length; i++) {
        try {
          const user = toUser(lines[i]!, path, firstLine + i, options);
          if (user === null) continue;
          const userNumber = readUser(user, path, firstLine + i, features, sink, limits);
          if (duplicates === 'last' && userNumber !== ERASED)
            lastRows.see(userIdOf(user)!, row, limits.maximumUserIdBytes, replaced);
        } catch (error) {
          if (!(error instanceof AppError) || badRows === undefined) throw error;
          badRows.add(error);
          bad.add(row);
        }
        row += 1;
        if (row % CHECKED_ROWS === 0) sink = newSink(features, writer);
      }
    }
  }
  return { bad, replaced };
}

/** A sink for a pass that stores nothing. Rows are never ended, so `readUser` adds to one long row. */
function newSink(features: readonly Feature[], { erased }: RowSink): UserSink {
  return {
    directory: new TextTable(),
    dictionaries: features.map(() => new TextTable()),
    segment: new SegmentBuilder(features, 1),
    erased,
  };
}
