/** The one rule by which alternatives are chosen: what past campaigns say of both measures, paired, and believed as far as there are campaigns. */
import { assert } from '../lib/errors.ts';

/** One campaign's quality under one alternative. */
export interface Outcome {
  readonly auc: number;
  /** precision@5%. */
  readonly precision: number;
}

/** AUC and precision@5% in one number: precision differs four times as much as AUC between methods, and campaigns. */
const PRECISION_WEIGHT = 0.25;
export function utilityOf({ auc, precision }: Outcome): number {
  return auc + PRECISION_WEIGHT * precision;
}

/** What matters: less is level. */
export const LEAST_GAIN = 0.0005;
/** Fewer campaigns than this say nothing. */
export const LEAST_CAMPAIGNS = 4;

/** The mean of differences and its standard error. */
export interface Mean {
  readonly mean: number;
  readonly error: number;
}

/** How an alternative differs from what it is compared with, campaign by campaign. */
export interface Gain {
  readonly auc: Mean;
  readonly precision: Mean;
  /** auc + precision / 4, by which it is judged. */
  readonly utility: Mean;
}

/** A difference is sure from this many standard errors: several alternatives are tried, and few campaigns make a vague error. */
function sureAt(campaigns: number): number {
  return 2 + 4 / campaigns;
}

/** `theirs` less `ours`, the same campaigns in the same order. */
export function gainOf(theirs: readonly Outcome[], ours: readonly Outcome[]): Gain {
  assert(theirs.length === ours.length, `${theirs.length} campaigns beside ${ours.length}`);
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

/** What is compared: a change that adds or alters something, or one that takes a part away. */
export interface Alternative {
  readonly gain: Gain;
  readonly isSimpler: boolean;
}

/**
 * Which alternative takes the place of what there is; -1 for none. Of those that are surely better (the gain in utility is at least `LEAST_GAIN` and
 * more than `sureAt` standard errors) it is the one with the largest gain; where there is none, one that is simpler and surely no worse (the gain
 * less as many standard errors is above -`LEAST_GAIN`). With fewer than `LEAST_CAMPAIGNS` campaigns what there is stays.
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
