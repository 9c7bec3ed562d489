/**
 * The reach of a past campaign: the users who could be in its audience, because they match its filters and are not
 * suppressed. Training treats a campaign with a reach as if no other users existed, so that being within reach reveals
 * nothing.
 */

/** One bit for each user number; undefined if everyone is within reach. */
export type Reach = Uint8Array | undefined;

export function createReach(users: number, isReached: (user: number) => boolean): Uint8Array {
  const bits = new Uint8Array((users + 7) >> 3);
  for (let user = 0; user < users; user++) if (isReached(user)) bits[user >> 3]! |= 1 << (user & 7);
  return bits;
}

export function reaches(reach: Reach, user: number): boolean {
  return reach === undefined || (((reach[user >> 3] ?? 0) >> (user & 7)) & 1) === 1;
}

/** The users within reach, in the given order. Returns the same array if everyone is within reach. */
export function reachedOf(reach: Reach, users: Int32Array): Int32Array {
  return reach === undefined ? users : users.filter((user) => reaches(reach, user));
}
