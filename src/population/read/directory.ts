/** The directory of users: a permanent user number for every user id that was ever imported. */
import type { UserNumber } from '../../lib/brands.ts';
import type { GatheredTexts, TextTable } from '../../lib/text/text-table.ts';
import type { ErasedUsers } from '../erase/erasures.ts';

/** Maps user ids to user numbers and back. Numbers are assigned at the first import of a user and never reused. */
export interface Directory {
  /** Number of users ever imported: user numbers are 0 .. size - 1. */
  readonly size: number;
  /** The number of a user; -1 if the user was never imported, or was erased. */
  find(userId: string): UserNumber;
  /** The numbers of many users, faster than one look-up per user. */
  findAll(userIds: readonly string[]): Int32Array;
  /** The id of a user who is not erased; throws RangeError (a bug) outside 0 .. size - 1. */
  id(userNumber: UserNumber): string;
  /** The ids of many users who are not erased, as UTF-8 in new memory; throws the errors of `id`. */
  gatherIds(userNumbers: Uint32Array): GatheredTexts;
  /** Whether the user was erased, according to the current records, even if the directory was read earlier. */
  isErased(userNumber: UserNumber): boolean;
}

/** A directory over the table of its ids: a user's number is the index of the id. */
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
