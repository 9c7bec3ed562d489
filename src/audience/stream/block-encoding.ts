/**
 * Encodes the blocks of a stream as text or Parquet. A stream contains the members of an audience, or the differences
 * between two audiences.
 */

import { PARQUET_TYPE } from '../../lib/media-types.ts';
import { type ChangeBlock, itemsOf, type MemberBlock, textsOf } from './member-blocks.ts';
import { parquetChanges, parquetMembers } from './parquet.ts';
import {
  CHANGE_ROWS,
  type ChangedUser,
  formatRows,
  headOf,
  MEMBER_ROWS,
  SAFE_CHANGE_ROWS,
  SAFE_MEMBER_ROWS,
  type TextType,
} from './row-formats.ts';

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
