/**
 * Measures what a campaign causes: compares the users of an audience who were treated with those who were held out, by
 * assignment.
 */

/** Sums over the users of an arm. A user's value is the sum of the values of the user's conversions; 0 without any. */
export interface Arm {
  readonly users: number;
  /** Number of users with at least one conversion. */
  readonly converted: number;
  /** Number of conversions. */
  readonly conversions: number;
  readonly value: number;
  /** The sum over users of the square of their value. */
  readonly squaredValue: number;
}

export interface Range {
  readonly low: number;
  readonly high: number;
}

/** An estimate with two 95 % intervals; the intervals are null as long as an arm has no conversions. */
export interface Estimate {
  readonly estimate: number;
  /** Contains the truth 95 times in 100 if it is read once, at a time that was set before. */
  readonly fixed: Range | null;
  /** Contains the truth at all times at once, 95 times in 100: it may be read as often as wanted, and acted upon. */
  readonly alwaysValid: Range | null;
}

/** The effect on one outcome per user. */
export interface Effect {
  /** The means per user. */
  readonly treated: number;
  readonly heldOut: number;
  /** The difference of the means. */
  readonly absolute: Estimate;
  /** The difference relative to the mean of the users who were held out; null if that is 0. */
  readonly relative: Estimate | null;
  /** What the campaign caused among all treated users: the difference times their number. */
  readonly incremental: Estimate;
  /** The difference that would be found in 80 of 100 such campaigns; null as long as an arm has no conversions. */
  readonly minimumDetectable: number | null;
}

export interface Lift {
  /** The effect on the share of users who convert. */
  readonly conversion: Effect;
  /** The effect on the value of a user's conversions. */
  readonly value: Effect;
  /**
   * The probability of a sample ratio at least this far from the requested percentage (chi-square, one degree of
   * freedom).
   */
  readonly sampleRatioP: number;
  /** Whether the sample ratio is so improbable that the comparison should not be trusted. */
  readonly isSuspicious: boolean;
}

const ALPHA = 0.05;
/** The .975 and .8 quantiles of the normal distribution. */
const Z = 1.959964;
const Z_POWER = 0.841621;
const SUSPICIOUS_P = 0.001;
/** Number of users for which the always-valid interval is narrowest. */
export const TUNED_USERS = 5_000;
/**
 * Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas, Time-uniform central limit theory, eq. 10: optimal for TUNED_USERS.
 */
const RHO_SQUARED = (-2 * Math.log(ALPHA) + Math.log(1 - 2 * Math.log(ALPHA))) / TUNED_USERS;

/** Compares the arms of an audience of which `percent` % were to be held out. */
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

/** The half-width of the always-valid interval in standard errors, for N users: an asymptotic confidence sequence. */
export function alwaysValidErrors(users: number): number {
  const t = users * RHO_SQUARED;
  return Math.sqrt(((2 * (t + 1)) / t) * Math.log(Math.sqrt(t + 1) / ALPHA));
}

interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Unbiased. */
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
 * .002 from 3 degrees on.
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

/** The p-value of the chi-square test that users were held out with this probability. */
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
