/** The directory of users: a permanent user number for every user id that was ever imported. */
import type { UserNumber } from '../../lib/brands.ts';
import type { GatheredTexts, TextTable } from '../../lib/text/text-table.ts';
import type { ErasedUsers } from '../erase/erasures.ts';

/** Maps user ids to user numbers and back. A number is assigned when a user is first imported, and is never reused. */
export interface Directory {
  /** Number of users ever imported. User numbers are 0 .. size - 1. */
  readonly size: number;
  /** The number of a user; -1 if the user was never imported, or was erased. */
  find(userId: string): UserNumber;
  /** Returns the numbers of many users, which is faster than one look-up per user. */
  findAll(userIds: readonly string[]): Int32Array;
  /** The id of a user who is not erased. Throws RangeError (a bug) for a number outside 0 .. size - 1. */
  id(userNumber: UserNumber): string;
  /** The ids of many users who are not erased, as UTF-8 in new memory. Throws the same errors as `id`. */
  gatherIds(userNumbers: Uint32Array): GatheredTexts;
  /** Whether the user was erased, including erasures recorded since the directory was read. */
  isErased(userNumber: UserNumber): boolean;
}

/** Creates a directory from a table of ids. A user's number is the index of the id. */
export function createDirectory(table: TextTable, erased: ErasedUsers): Directory {
  return {
    size: table.count,
    find: (userId) => {
      const userNumber = table.find(userId);
      return userNumber >= 0 && erased.has(userNumber) ? -1 : userNumber;
    },
    findAll: (userIds) => {
      const userNumbers = table.findAll(userIds);
      for (let i = 0; i < userNumbers.length; i++) if (erased.has(userNumbers[i]!)) userNumbers[i] = -1;
      return userNumbers;
    },
    id: (userNumber) => table.text(userNumber),
    gatherIds: (userNumbers) => table.gather(userNumbers),
    isErased: (userNumber) => erased.has(userNumber) || table.isRedacted(userNumber),
  };
}
