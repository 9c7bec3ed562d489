/**
 * Measures the effect of a campaign: compares the treated users of an audience with its held-out users, by assignment.
 */

/**
 * Sums over the users of an arm. A user's value is the total value of the user's conversions; 0 without conversions.
 */
export interface Arm {
  readonly users: number;
  /** Number of users with at least one conversion. */
  readonly converted: number;
  readonly conversions: number;
  readonly value: number;
  /** Sum of the squares of the users' values. */
  readonly squaredValue: number;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** An estimate with two 95 % intervals. They are null until both arms have conversions. */
export interface Estimate {
  readonly estimate: number;
  /** Contains the true value with a probability of 95 % if it is read once, at a time chosen in advance. */
  readonly fixed: Range | null;
  /**
   * Contains the true value at all times at once with a probability of 95 %, so you may look as often as you like and
   * stop when you want.
   */
  readonly alwaysValid: Range | null;
}

/** The effect on one metric per user. */
export interface Effect {
  /** Means per user. */
  readonly treated: number;
  readonly heldOut: number;
  /** The difference of the means. */
  readonly absolute: Estimate;
  /** The difference divided by the mean of the held-out users; null if that mean is 0. */
  readonly relative: Estimate | null;
  /** The total effect on all treated users: the difference times their number. */
  readonly incremental: Estimate;
  /**
   * The smallest difference that such a campaign would detect with a power of 80 %; null until both arms have
   * conversions.
   */
  readonly minimumDetectable: number | null;
}

export interface Lift {
  /** The effect on the share of users who convert. */
  readonly conversion: Effect;
  /** The effect on the value per user. */
  readonly value: Effect;
  /**
   * p-value of the sample ratio: how probable a deviation of at least this size from the requested percentage is
   * (chi-square, one degree of freedom).
   */
  readonly sampleRatioP: number;
  /** Whether the sample ratio is so improbable that the comparison should not be trusted. */
  readonly isSuspicious: boolean;
}

const ALPHA = 0.05;
/** The .975 and .8 quantiles of the standard normal distribution. */
const Z = 1.959964;
const Z_POWER = 0.841621;
const SUSPICIOUS_P = 0.001;
/** Number of users at which the always-valid interval is narrowest. */
export const TUNED_USERS = 5_000;
/**
 * Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Time-uniform central limit theory, eq. 10: optimal for TUNED_USERS.
 */
const RHO_SQUARED = (-2 * Math.log(ALPHA) + Math.log(1 - 2 * Math.log(ALPHA))) / TUNED_USERS;

/** Compares the arms of an audience with a hold-out of `percent` %. */
export function compareArms(treated: Arm, heldOut: Arm, percent: number): Lift {
  const conversions = ({ users, converted }: Arm) => momentsOf(users, converted, converted);
  const values = ({ users, value, squaredValue }: Arm) => momentsOf(users, value, squaredValue);
  const sampleRatioP = sampleRatio(treated.users, heldOut.users, percent / 100);
  return {
    conversion: effectOf(conversions(treated), conversions(heldOut)),
    value: effectOf(values(treated), values(heldOut)),
    sampleRatioP,
    isSuspicious: sampleRatioP < SUSPICIOUS_P,
  };
}

/** Half-width of the always-valid interval for N users, in standard errors: an asymptotic confidence sequence. */
export function alwaysValidErrors(users: number): number {
  const t = users * RHO_SQUARED;
  return Math.sqrt(((2 * (t + 1)) / t) * Math.log(Math.sqrt(t + 1) / ALPHA));
}

interface Moments {
  readonly n: number;
  readonly mean: number;
  /** The unbiased sample variance. */
  readonly variance: number;
}

function momentsOf(n: number, sum: number, squares: number): Moments {
  const mean = n === 0 ? 0 : sum / n;
  return { n, mean, variance: n < 2 ? 0 : Math.max(0, (squares - sum * mean) / (n - 1)) };
}

function effectOf(treated: Moments, heldOut: Moments): Effect {
  const [a, b] = [treated.variance / treated.n, heldOut.variance / heldOut.n];
  const isKnown = a > 0 && b > 0;
  const error = Math.sqrt(a + b);
  const difference = treated.mean - heldOut.mean;
  const always = alwaysValidErrors(treated.n + heldOut.n);
  const fixed = studentQuantile((a + b) ** 2 / (a ** 2 / (treated.n - 1) + b ** 2 / (heldOut.n - 1)));
  const estimateOf = (estimate: number, fixedReach: number, alwaysReach: number): Estimate => ({
    estimate,
    fixed: isKnown ? { low: estimate - fixedReach, high: estimate + fixedReach } : null,
    alwaysValid: isKnown ? { low: estimate - alwaysReach, high: estimate + alwaysReach } : null,
  });
  // delta method: var(x / y) = (var x + (x / y)^2 var y) / y^2 for independent means x and y
  const ratio = treated.mean / heldOut.mean;
  const relativeError = Math.sqrt(a + ratio ** 2 * b) / heldOut.mean;
  const { n } = treated;
  return {
    treated: treated.mean,
    heldOut: heldOut.mean,
    absolute: estimateOf(difference, fixed * error, always * error),
    relative: heldOut.mean === 0 ? null : estimateOf(ratio - 1, Z * relativeError, always * relativeError),
    incremental: estimateOf(n * difference, n * fixed * error, n * always * error),
    minimumDetectable: isKnown ? (Z + Z_POWER) * Math.sqrt(heldOut.variance * (1 / n + 1 / heldOut.n)) : null,
  };
}

/**
 * The .975 quantile of Student's t (Abramowitz & Stegun 26.7.5), for Welch's degrees of freedom. The error is below
 * .002 for 3 degrees or more.
 */
function studentQuantile(degrees: number): number {
  const z2 = Z * Z;
  const terms = [
    1,
    (z2 + 1) / 4,
    ((5 * z2 + 16) * z2 + 3) / 96,
    (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384,
    ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160,
  ];
  return Z * terms.reduceRight((sum, term) => term + sum / degrees, 0);
}

/** The p-value of a chi-square test of the null hypothesis that each user was held out with the probability `share`. */
function sampleRatio(treated: number, heldOut: number, share: number): number {
  const users = treated + heldOut;
  if (users === 0) return 1;
  const chiSquare = (heldOut - users * share) ** 2 / (users * share * (1 - share));
  return Math.max(0, 1 - erf(Math.sqrt(chiSquare / 2)));
}

/** The error function for x >= 0, to 1e-15: 2 / sqrt(pi) e^(-x^2) times the sum of 2^n x^(2n+1) / (1 3 .. (2n+1)). */
function erf(x: number): number {
  if (x > 6) return 1;
  let sum = 0;
  for (let n = 0, term = x; term > 1e-17 * sum; n++, term *= (2 * x * x) / (2 * n + 1)) sum += term;
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
