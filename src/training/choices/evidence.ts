/**
 * Chooses alternatives by paired comparisons of both metrics on past campaigns: the more campaigns, the stronger the
 * evidence.
 */
import { assert } from '../../lib/errors.ts';

/** One campaign's quality under one alternative. */
export interface Outcome {
  readonly auc: number;
  /** precision@5%. */
  readonly precision: number;
}

/** AUC and precision@5% in one number: precision varies four times as much as AUC between methods and campaigns. */
const PRECISION_WEIGHT = 0.25;
export function utilityOf({ auc, precision }: Outcome): number {
  return auc + PRECISION_WEIGHT * precision;
}

/** The smallest relevant gain: with a smaller gain, two alternatives count as equal. */
export const LEAST_GAIN = 0.0005;
/** With fewer campaigns than this there is no evidence. */
export const LEAST_CAMPAIGNS = 4;

/** The mean of differences and its standard error. */
export interface Mean {
  readonly mean: number;
  readonly error: number;
}

/** How an alternative differs from its reference, campaign by campaign. */
export interface Gain {
  readonly auc: Mean;
  readonly precision: Mean;
  /** auc + precision / 4, the criterion. */
  readonly utility: Mean;
}

/**
 * The number of standard errors from which a difference counts as sure. It allows for the number of alternatives that
 * are tried, and for the standard error itself, which is uncertain with few campaigns.
 */
export function sureAt(campaigns: number): number {
  return 2 + 4 / campaigns;
}

/** `theirs` minus `ours`, for the same campaigns in the same order. */
export function gainOf(theirs: readonly Outcome[], ours: readonly Outcome[]): Gain {
  assert(theirs.length === ours.length, `${theirs.length} campaigns, but ${ours.length}`);
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
 * Settings of one method differ by about this much in utility; a priori a setting other than the default is slightly
 * worse.
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
 * The index of the setting with the largest expected gain; -1, the default, if no other is expected to gain
 * `LEAST_GAIN`.
 */
export function chooseSettingByEvidence(gains: readonly Gain[], campaigns: number): number {
  if (campaigns < LEAST_CAMPAIGNS_OF_A_SETTING) return -1;
  const expected = gains.map((gain) => shrunkenGain(gain, campaigns));
  return expected.reduce((best, gain, i) => (gain > (expected[best] ?? LEAST_GAIN) ? i : best), -1);
}

/** An alternative: a change that adds or alters something, or one that removes a part. */
export interface Alternative {
  readonly gain: Gain;
  readonly isSimpler: boolean;
}

/**
 * The index of the alternative to adopt; -1 for none. It is the one with the largest gain among alternatives that are
 * surely better (the gain in utility is at least `LEAST_GAIN` and more than `sureAt` standard errors). If there is
 * none, it is a simpler alternative that is surely no worse (the gain minus `sureAt` standard errors is above
 * -`LEAST_GAIN`). With fewer than `LEAST_CAMPAIGNS` campaigns nothing changes.
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
