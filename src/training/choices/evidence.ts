/**
 * Chooses alternatives by paired comparisons of both metrics on past campaigns. More campaigns give stronger evidence.
 */
import { assert } from '../../lib/errors.ts';

/** The quality of one campaign under one alternative. */
export interface Outcome {
  readonly auc: number;
  /** precision@5%. */
  readonly precision: number;
}

/** Weight of precision@5% in utility. Precision varies four times as much as AUC between methods and campaigns. */
const PRECISION_WEIGHT = 0.25;
export function utilityOf({ auc, precision }: Outcome): number {
  return auc + PRECISION_WEIGHT * precision;
}

/** The smallest relevant gain. If the gain is smaller, two alternatives count as equal. */
export const LEAST_GAIN = 0.0005;
/** With fewer campaigns than this there is no evidence. */
export const LEAST_CAMPAIGNS = 4;

/** The mean of differences and the standard error of this mean. */
export interface Mean {
  readonly mean: number;
  readonly error: number;
}

/** The difference between an alternative and its reference, campaign by campaign. */
export interface Gain {
  readonly auc: Mean;
  readonly precision: Mean;
  /** The criterion: the gain in auc + precision / 4. */
  readonly utility: Mean;
}

/**
 * Number of standard errors that a difference must exceed to count as certain. It allows for the number of alternatives
 * that are tried, and for the standard error itself, which is uncertain with few campaigns.
 */
export function sureAt(campaigns: number): number {
  return 2 + 4 / campaigns;
}

/** The gain of `theirs` over `ours`. Both arrays have the same campaigns in the same order. */
export function gainOf(theirs: readonly Outcome[], ours: readonly Outcome[]): Gain {
  assert(theirs.length === ours.length, `${theirs.length} campaigns are compared with ${ours.length}`);
  const differences = theirs.map(({ auc, precision }, i) => ({
    auc: auc - ours[i]!.auc,
    precision: precision - ours[i]!.precision,
  }));
  return {
    auc: meanOf(differences.map(({ auc }) => auc)),
    precision: meanOf(differences.map(({ precision }) => precision)),
    utility: meanOf(differences.map(utilityOf)),
  };
}

/**
 * Prior for a setting's gain over the default: settings of one method differ by about this much in utility, and a
 * setting other than the default is slightly worse.
 */
const SETTING_SPREAD = 0.005;
const SETTING_PRIOR = -0.001;
/** With fewer campaigns than this, a method's setting stays at its default. */
const LEAST_CAMPAIGNS_OF_A_SETTING = 2;

/**
 * The expected gain in utility of a setting over the default: the mean g, shrunk towards the prior N(`SETTING_PRIOR`,
 * v) according to its standard error s: (g / s^2 + prior / v) / (1 / s^2 + 1 / v). v is at least `SETTING_SPREAD`^2; a
 * clearly larger gain implies a larger v, namely g^2 - s^2 (empirical Bayes). With few campaigns s itself is uncertain,
 * so it is multiplied by 1 + 2 / campaigns.
 */
export function shrunkenGain({ utility }: Gain, campaigns: number): number {
  const variance = (utility.error * (1 + 2 / campaigns)) ** 2 + 1e-8;
  const seen = 1 / variance;
  const prior = 1 / Math.max(SETTING_SPREAD ** 2, utility.mean ** 2 - variance);
  return (utility.mean * seen + SETTING_PRIOR * prior) / (seen + prior);
}

/**
 * The index of the setting with the largest expected gain; -1 (the default setting) if no other setting is expected to
 * gain `LEAST_GAIN`.
 */
export function chooseSettingByEvidence(gains: readonly Gain[], campaigns: number): number {
  if (campaigns < LEAST_CAMPAIGNS_OF_A_SETTING) return -1;
  const expected = gains.map((gain) => shrunkenGain(gain, campaigns));
  return expected.reduce((best, gain, i) => (gain > (expected[best] ?? LEAST_GAIN) ? i : best), -1);
}

/** An alternative: a change that adds or alters a part, or a change that removes one. */
export interface Alternative {
  readonly gain: Gain;
  readonly isSimpler: boolean;
}

/**
 * The index of the alternative to adopt; -1 if none should be adopted. It is the alternative with the largest gain
 * among those that are certainly better (the gain in utility is at least `LEAST_GAIN` and more than `sureAt` standard
 * errors). If there is none, a simpler alternative is adopted that is certainly no worse (the gain minus `sureAt`
 * standard errors is above -`LEAST_GAIN`). With fewer than `LEAST_CAMPAIGNS` campaigns nothing is adopted.
 */
export function chooseByEvidence(alternatives: readonly Alternative[], campaigns: number): number {
  if (campaigns < LEAST_CAMPAIGNS) return -1;
  const sure = sureAt(campaigns);
  const isBetter = ({ gain: { utility } }: Alternative) =>
    utility.mean >= LEAST_GAIN && utility.mean > sure * utility.error;
  const isLevel = ({ gain: { utility }, isSimpler }: Alternative) =>
    isSimpler && utility.mean - sure * utility.error >= -LEAST_GAIN;
  for (const isTaken of [isBetter, isLevel]) {
    const taken = [...alternatives.keys()].filter((i) => isTaken(alternatives[i]!));
    if (taken.length > 0)
      return taken.reduce((a, b) => (alternatives[b]!.gain.utility.mean > alternatives[a]!.gain.utility.mean ? b : a));
  }
  return -1;
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(values.length - 1, 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}
