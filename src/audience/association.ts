/**
 * Measures the association of a token with an audience: the lift, the 95 % interval of the lift, and the evidence z.
 */

/**
 * User counts: `a` of the audience's `members` have the token, and so do `p` of all `users`. a <= p, members <= users.
 */
export interface Counts {
  readonly a: number;
  readonly p: number;
  readonly members: number;
  readonly users: number;
}

export interface Association {
  /**
   * The share of members who have the token divided by the share of the population who have the token; 0 if there are
   * no members.
   */
  readonly lift: number;
  readonly low: number;
  readonly high: number;
  /**
   * The difference between `a` and its expected value in a random audience, in standard deviations. Positive means
   * over-represented. 0 if `a` is the same in every random audience, because all users have the token or all users are
   * members.
   */
  readonly z: number;
}

/** The 97.5 % quantile of the normal distribution. */
const Z_95 = 1.959964;

/**
 * Computes the lift, its interval and the evidence of a token. Members are part of the population, so members and
 * population are not independent samples. If the four cells (member or not, token or not) are treated as one
 * multinomial sample, the delta method gives var(log lift) = 1/a - 1/members - 1/p - 1/users + 2a/(members * p). This
 * equals the hypergeometric variance if token and audience are independent, and is 0 if all users are members. Before
 * the calculation, 0.5 is added to each cell (Haldane, Anscombe), so that the interval is finite even if a cell is
 * empty. `low <= lift <= high` is always true. The mean and the variance of `z` are exact (hypergeometric).
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
