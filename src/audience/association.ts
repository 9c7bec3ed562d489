/** A token's association with an audience that is part of its population: lift, its 95 % interval, and the evidence. */

/** Counts: `a` of `members` have the token, `p` of `users` have it; a <= p, members <= users. */
export interface Counts {
  readonly a: number;
  readonly p: number;
  readonly members: number;
  readonly users: number;
}

export interface Association {
  /** Share of the members with the token divided by the share of the population with it; 0 if there are no members. */
  readonly lift: number;
  readonly low: number;
  readonly high: number;
  /**
   * Standard deviations between `a` and its expectation in a random audience; positive = over-represented. 0 if random
   * audiences cannot differ (everyone has the token, or everyone is a member).
   */
  readonly z: number;
}

/** The normal distribution's 97.5 % point. */
const Z_95 = 1.959964;

/**
 * Members are part of the population, so the two shares are not independent samples. With the four cells (member or
 * not, token or not) as one multinomial sample, the delta method gives var(log lift) = 1/a - 1/members - 1/p - 1/users
 * + 2a/(members p). This is the hypergeometric variance if token and audience are independent, and 0 if everyone is a
 * member. A half is added to each cell first (Haldane, Anscombe), so that an empty cell has a finite interval. `low <=
 * lift <= high` always holds. `z` is exact in mean and variance (hypergeometric).
 */
export function associate({ a, p, members, users }: Counts): Association {
  const lift = members === 0 || p === 0 ? 0 : (a * users) / (members * p);
  const half = { a: a + 0.5, p: p + 1, members: members + 1, users: users + 2 };
  const centre = Math.log((half.a * half.users) / (half.members * half.p));
  const variance = 1 / half.a - 1 / half.members - 1 / half.p - 1 / half.users + (2 * half.a) / (half.members * half.p);
  const reach = Z_95 * Math.sqrt(Math.max(0, variance));
  return {
    lift,
    low: Math.min(lift, Math.exp(centre - reach)),
    high: Math.max(lift, Math.exp(centre + reach)),
    z: evidence(a, p, members, users),
  };
}

function evidence(a: number, p: number, members: number, users: number): number {
  if (users < 2) return 0;
  const expected = (members * p) / users;
  const variance = (expected * (1 - p / users) * (users - members)) / (users - 1);
  return variance > 0 ? (a - expected) / Math.sqrt(variance) : 0;
}
