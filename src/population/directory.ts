/** The directory of users: a permanent user number for every user id that was ever imported. */
import type { UserNumber } from '../lib/brands.ts';
import type { TextTable } from './text-table.ts';

/** User id <-> user number. Numbers are given at the first import and never reused. */
export interface Directory {
  /** How many users were ever seen: numbers are 0 .. size - 1. */
  readonly size: number;
  /** The user's number, -1 if never seen. */
  find(userId: string): UserNumber;
  /** The id of a user; throws RangeError (a bug) outside 0 .. size - 1. */
  id(userNumber: UserNumber): string;
}

/** A directory over the table of its ids: a user's number is the index of the id. */
export function createDirectory(table: TextTable): Directory {
  return {
    size: table.count,
    find: (userId) => table.find(userId),
    id: (userNumber) => table.text(userNumber),
  };
}
