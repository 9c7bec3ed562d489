/**
 * Encodes the blocks of a stream as text or Parquet. A stream contains the members of an audience, or the differences
 * between two audiences.
 */
import { CSV_TYPE, type NDJSON_TYPE, PARQUET_TYPE } from '../../lib/media-types.ts';
import { quoteCsv, quoteSafeCsv } from '../../lib/text/csv.ts';
import { decimalScore } from '../../lib/text/decimal-score.ts';
import { textsOf } from '../../lib/text/text-table.ts';
import type { AudienceItem, MemberBlock } from '../page.ts';
import { type ChangeBlock, itemsOf } from './member-blocks.ts';
import { parquetChanges, parquetMembers } from './parquet.ts';

/** The kind of rows in a stream, and their encoding. */
export type Encoding =
  | { readonly rows: 'members' | 'changes'; readonly type: TextType; readonly isSafe: boolean }
  | { readonly rows: 'members' | 'changes'; readonly type: typeof PARQUET_TYPE; readonly rowGroupRows: number };

export type RowBlock = MemberBlock | ChangeBlock;

/** Encodes the blocks of a stream one after the other. Returned bytes are in a separate buffer. */
export interface BlockEncoder {
  add(block: RowBlock): Uint8Array;
  /** Returns the remaining bytes of the stream. */
  end(): Uint8Array;
}

export function createEncoder(encoding: Encoding): BlockEncoder {
  if (encoding.type === PARQUET_TYPE) {
    const { rows, rowGroupRows } = encoding;
    const file = rows === 'members' ? parquetMembers(rowGroupRows) : parquetChanges(rowGroupRows);
    return { add: (block) => file.add(block as MemberBlock & ChangeBlock), end: () => file.end() };
  }
  const text = new TextEncoder();
  const { rows, type, isSafe } = encoding;
  let head = rows === 'members' ? headOf(type, MEMBER_ROWS) : headOf(type, CHANGE_ROWS);
  const take = (more: string) => {
    const bytes = text.encode(head + more);
    head = '';
    return bytes;
  };
  const [members, changes] = isSafe ? [SAFE_MEMBER_ROWS, SAFE_CHANGE_ROWS] : [MEMBER_ROWS, CHANGE_ROWS];
  return {
    add: (block) =>
      take('change' in block ? formatRows(type, changes, changesOf(block)) : formatRows(type, members, itemsOf(block))),
    end: () => take(''),
  };
}

function* changesOf({ change, ids }: ChangeBlock): Generator<ChangedUser> {
  for (const userId of textsOf(ids)) yield { change, userId };
}

export type TextType = typeof NDJSON_TYPE | typeof CSV_TYPE;

/** The text formats of a kind of row. */
interface RowFormat<T> {
  /** The header line of CSV. */
  readonly columns: string;
  ndjson(row: T): string;
  csv(row: T): string;
}

/** The format of the members of an audience. */
export const MEMBER_ROWS: RowFormat<AudienceItem> = {
  columns: 'rank,user_id,score,percentile',
  ndjson: ({ rank, user_id, score, percentile }) =>
    `{"rank":${rank},"user_id":${JSON.stringify(user_id)},"score":${decimalScore(score)},"percentile":${percentile}}\n`,
  csv: ({ rank, user_id, score, percentile }) =>
    `${rank},${quoteCsv(user_id)},${decimalScore(score)},${percentile}\r\n`,
};

/** The row format for the members of an audience, with spreadsheet-safe CSV. */
export const SAFE_MEMBER_ROWS: RowFormat<AudienceItem> = {
  ...MEMBER_ROWS,
  csv: ({ rank, user_id, score, percentile }) =>
    `${rank},${quoteSafeCsv(user_id)},${decimalScore(score)},${percentile}\r\n`,
};

/** A user who is in only one of two audiences. */
interface ChangedUser {
  readonly change: 'removed' | 'added';
  readonly userId: string;
}

/** The format of the difference between two audiences. */
export const CHANGE_ROWS: RowFormat<ChangedUser> = {
  columns: 'change,user_id',
  ndjson: ({ change, userId }) => `{"change":"${change}","user_id":${JSON.stringify(userId)}}\n`,
  csv: ({ change, userId }) => `${change},${quoteCsv(userId)}\r\n`,
};

/** The row format for the difference between two audiences, with spreadsheet-safe CSV. */
export const SAFE_CHANGE_ROWS: RowFormat<ChangedUser> = {
  ...CHANGE_ROWS,
  csv: ({ change, userId }) => `${change},${quoteSafeCsv(userId)}\r\n`,
};

/** Returns the header of CSV; empty for NDJSON. */
export function headOf<T>(type: TextType, { columns }: RowFormat<T>): string {
  return type === CSV_TYPE ? `${columns}\r\n` : '';
}

export function formatRows<T>(type: TextType, { csv, ndjson }: RowFormat<T>, rows: Iterable<T>): string {
  const format = type === CSV_TYPE ? csv : ndjson;
  let text = '';
  for (const row of rows) text += format(row);
  return text;
}

/** Returns members as a complete text, with a header line for CSV. With `isSafe`, the CSV is spreadsheet-safe. */
export function memberText(type: TextType, isSafe: boolean, members: MemberBlock): string {
  const rows = isSafe ? SAFE_MEMBER_ROWS : MEMBER_ROWS;
  return headOf(type, rows) + formatRows(type, rows, itemsOf(members));
}
