/** The directory of users: a permanent user number for every user id that was ever imported. */
import type { UserNumber } from '../../lib/brands.ts';
import { type GatheredTexts, type TextTable, textsOf } from '../../lib/text/text-table.ts';
import type { ErasedUsers } from '../erase/erasures.ts';
import type { IdentifierIndex } from './identifiers.ts';

/** Shows users by their ids or by identifiers. */
export type ShownUsers = Pick<Directory, 'id' | 'gatherIds' | 'isErased'>;

/** Maps user ids to user numbers and back. A number is assigned when a user is first imported, and is never reused. */
export interface Directory {
  /** The same directory, with the identifiers of another version. */
  withIdentifiers(identifiers: readonly IdentifierIndex[]): Directory;
  /** Number of users ever imported. User numbers are 0 .. size - 1. */
  readonly size: number;
  /** Whether a user id contains `@`, so that user ids may be e-mail addresses. */
  readonly mayHaveEmails: boolean;
  /**
   * Returns the number of a user, or -1 if the user was never imported or was erased. If the id is an identifier in
   * this version, this is the user with that identifier.
   */
  find(userId: string): UserNumber;
  /** Returns the numbers of many users, which is faster than one look-up per user. */
  findAll(userIds: GatheredTexts): Int32Array;
  /** The id of a user who is not erased. Throws RangeError (a bug) for a number outside 0 .. size - 1. */
  id(userNumber: UserNumber): string;
  /** The ids of many users who are not erased, as UTF-8 in new memory. Throws the same errors as `id`. */
  gatherIds(userNumbers: Uint32Array): GatheredTexts;
  /** Returns all ids that find the same user as this id; none if there is no such user. */
  idsOf(userId: string): string[];
  /**
   * Shows users by the hashes of their identifiers with this label instead of their ids. Users without one are treated
   * like erased users. Returns null if the version has no identifiers with this label.
   */
  identifiedBy(label: string): ShownUsers | null;
  /** Whether the user was erased, including erasures recorded since the directory was read. */
  isErased(userNumber: UserNumber): boolean;
}

/** The byte of `@`. */
const AT = 0x40;
const COLON = 0x3a;

/** Creates a directory from a table of ids and from identifiers. A user's number is the index of the user's id. */
export function createDirectory(
  table: TextTable,
  erased: ErasedUsers,
  identifiers: readonly IdentifierIndex[] = [],
): Directory {
  const isErased = (userNumber: UserNumber) => erased.has(userNumber) || table.isRedacted(userNumber);
  const find = (userId: string) => {
    const identified = findIdentified(identifiers, userId);
    const userNumber = identified >= 0 ? identified : table.find(userId);
    return userNumber >= 0 && erased.has(userNumber) ? -1 : userNumber;
  };
  let mayHaveEmails: boolean | null = null;
  return {
    size: table.count,
    get mayHaveEmails() {
      // a search of 100 MB takes some 10 ms, so it is done once, and only if an id of a request contains an address
      mayHaveEmails ??= table.bytes.includes(AT);
      return mayHaveEmails;
    },
    find,
    withIdentifiers: (others) => createDirectory(table, erased, others),
    findAll: (userIds) => {
      const userNumbers = table.findAll(userIds);
      // a label in front of an identifier ends with a colon
      const sent = identifiers.length > 0 && userIds.bytes.includes(COLON) ? textsOf(userIds) : [];
      for (const [i, userId] of sent.entries()) {
        const identified = findIdentified(identifiers, userId);
        if (identified >= 0) userNumbers[i] = identified;
      }
      for (let i = 0; i < userNumbers.length; i++) {
        if (erased.has(userNumbers[i]!)) userNumbers[i] = -1;
      }
      return userNumbers;
    },
    id: (userNumber) => table.text(userNumber),
    gatherIds: (userNumbers) => table.gather(userNumbers),
    idsOf: (userId) => {
      const userNumber = find(userId);
      return userNumber < 0 ? [] : [table.text(userNumber), ...identifiers.flatMap((one) => one.idsOf(userNumber))];
    },
    identifiedBy: (label) => {
      const index = identifiers.find((one) => one.label === label);
      return index === undefined ? null : showIdentifiers(index, isErased);
    },
    isErased,
  };
}

/** Returns the number of the user with this identifier, or -1 if there is none. */
function findIdentified(identifiers: readonly IdentifierIndex[], userId: string): UserNumber {
  for (let i = 0; i < identifiers.length; i++)
    if (userId.startsWith(identifiers[i]!.prefix)) return identifiers[i]!.find(userId);
  return -1;
}

function showIdentifiers(index: IdentifierIndex, isErased: (userNumber: UserNumber) => boolean): ShownUsers {
  return {
    id: (userNumber) => index.hashOf(userNumber)!,
    gatherIds: (userNumbers) => {
      const hashes = Array.from(userNumbers, (userNumber) => index.hashOf(userNumber)!);
      const ends = new Uint32Array(hashes.length);
      let end = 0;
      for (const [i, { length }] of hashes.entries()) {
        end += length;
        ends[i] = end;
      }
      return { bytes: new TextEncoder().encode(hashes.join('')), ends };
    },
    isErased: (userNumber) => isErased(userNumber) || !index.has(userNumber),
  };
}

/** Returns the ids together with all other ids of their users. */
export function withOtherIds(userIds: readonly string[], directory: Pick<Directory, 'idsOf'>): string[] {
  return [...new Set(userIds.flatMap((userId) => [userId, ...directory.idsOf(userId)]))];
}
