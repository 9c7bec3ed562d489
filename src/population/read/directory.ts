/** The directory of users: a permanent user number for every user id that was ever imported. */
import type { UserNumber } from '../../lib/brands.ts';
import type { GatheredTexts, TextTable } from '../../lib/text/text-table.ts';
import type { ErasedUsers } from '../erase/erasures.ts';

/** User id <-> user number. Numbers are assigned at the first import and never reused. */
export interface Directory {
  /** Number of users ever seen: user numbers are 0 .. size - 1. */
  readonly size: number;
  /** The user's number; -1 if never seen, or erased. */
  find(userId: string): UserNumber;
  /** The numbers of many users; faster than looking them up one by one. */
  findAll(userIds: readonly string[]): Int32Array;
  /** The id of a user who is not erased; throws RangeError (a bug) outside 0 .. size - 1. */
  id(userNumber: UserNumber): string;
  /** The ids of many users who are not erased, as UTF-8 in new memory; throws as `id`. */
  gatherIds(userNumbers: Uint32Array): GatheredTexts;
  /** Whether the user was erased, by the current records, even if the directory was read earlier. */
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
