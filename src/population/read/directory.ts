/** The directory of users: a permanent user number for every user id that was ever imported. */
import type { UserNumber } from '../../lib/brands.ts';
import type { GatheredTexts, TextTable } from '../../lib/text/text-table.ts';
import type { ErasedUsers } from '../erase/erasures.ts';
import type { IdentifierIndex } from './identifiers.ts';

/** Maps user ids to user numbers and back. A number is assigned when a user is first imported, and is never reused. */
export interface Directory {
  /** The same directory, with the identifiers of another version. */
  withIdentifiers(identifiers: readonly IdentifierIndex[]): Directory;
  /** Number of users ever imported. User numbers are 0 .. size - 1. */
  readonly size: number;
  /**
   * The number of a user; -1 if the user was never imported, or was erased. An id that is an identifier in the version
   * is that of the user whose identifier it is.
   */
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

/** Creates a directory from a table of ids, and from identifiers. A user's number is the index of the id. */
export function createDirectory(
  table: TextTable,
  erased: ErasedUsers,
  identifiers: readonly IdentifierIndex[] = [],
): Directory {
  return {
    size: table.count,
    withIdentifiers: (others) => createDirectory(table, erased, others),
    find: (userId) => {
      const identified = findIdentified(identifiers, userId);
      const userNumber = identified >= 0 ? identified : table.find(userId);
      return userNumber >= 0 && erased.has(userNumber) ? -1 : userNumber;
    },
    findAll: (userIds) => {
      const userNumbers = table.findAll(userIds);
      for (let i = 0; i < userNumbers.length; i++) {
        const identified = findIdentified(identifiers, userIds[i]!);
        if (identified >= 0) userNumbers[i] = identified;
        if (erased.has(userNumbers[i]!)) userNumbers[i] = -1;
      }
      return userNumbers;
    },
    id: (userNumber) => table.text(userNumber),
    gatherIds: (userNumbers) => table.gather(userNumbers),
    isErased: (userNumber) => erased.has(userNumber) || table.isRedacted(userNumber),
  };
}

/** The number of the user whose identifier the id is; -1 if there is none. */
function findIdentified(identifiers: readonly IdentifierIndex[], userId: string): UserNumber {
  for (let i = 0; i < identifiers.length; i++)
    if (userId.startsWith(identifiers[i]!.prefix)) return identifiers[i]!.find(userId);
  return -1;
}
