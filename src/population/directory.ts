/** The directory of users: a permanent user number for every user id that was ever imported. */

/** User id <-> user number. Numbers are given at the first import and never reused. */
export interface Directory {
  /** How many users were ever seen: numbers are 0 .. size - 1. */
  readonly size: number;
  /** The user's number, -1 if never seen. */
  find(userId: string): number;
  /** The id of a user; throws RangeError outside 0 .. size - 1 (a bug). */
  id(userNumber: number): string;
}
