/** Describes, in readable lines, what training chose and why. */
import { signed, signedInterval } from '../../../lib/interval.ts';
import { counted } from '../../../lib/text/counted.ts';
import type { Share } from '../../../model/blend.ts';
import type { AdaptationSettings, Drift } from '../../../model/manifest.ts';
import type { Setting } from '../../../training/baselines/baselines.ts';
import type { Choice } from '../../../training/choices/choose-adaptation.ts';
import type { BlendChoice, BlendKind } from '../../../training/choices/choose-blend.ts';
import { type Gain, type Mean, sureAt } from '../../../training/choices/evidence.ts';
import type { PastCampaignsChoice } from '../../../training/choices/past-campaigns-choice.ts';
import type { SettingChoice } from '../../../training/choices/tuning.ts';
import type { ChosenTokens } from '../../../training/history/self-supervised.ts';

export function describePastCampaigns({ campaigns, gain, taken }: PastCampaignsChoice): string {
  const verdict = `past campaigns are ${taken ? 'a user feature' : 'not a user feature'}`;
  if (gain === null) return `${verdict}: no train campaign is large enough to test past campaigns as a feature`;
  return `${verdict}: ${evidenceOf(gain)} on ${campaigns} train campaigns (regression with past campaigns minus regression without)`;
}

/** Describes the tokens used as campaigns. */
export function describeTokens(chosen: readonly ChosenTokens[]): string[] {
  return chosen.map(
    ({ feature, campaigns, holders: [least, most] }) =>
      `${campaigns} tokens of ${feature} serve as campaigns, each held by ${least} to ${most} users`,
  );
}

/** Describes which settings were chosen for a part of the model that was tested separately. */
export function describeTuned(part: 'regression' | 'logistic', { setting, tried, campaigns }: SettingChoice): string[] {
  const what = part === 'regression' ? 'whole-population regression' : 'auxiliary logistic regression';
  if (tried.length === 0)
    return [`${what}: ${named(setting)}(the default): no train campaign is large enough to test other settings`];
  return [
    `${what}, tested separately on ${campaigns} train campaigns (AUC, precision@5%):`,
    ...tried.map(
      (one) =>
        `  ${one.auc.toFixed(4)} ${one.precision.toFixed(3)}  ` +
        `${named(one.setting)}${one.setting === setting ? '  (chosen)' : ''}`,
    ),
  ];
}

/** Describes how heads are adapted: what was tried and what was chosen. */
export function describeChoice({ settings, tried, campaigns }: Choice, on: 'start' | 'held out'): string[] {
  const where = `${campaigns} ${on === 'start' ? 'train campaigns, before training' : 'held-out campaigns'}`;
  if (tried.length === 0)
    return [`settings for adapting heads: unchanged, because there are too few campaigns to choose by (${where})`];
  return [
    `settings for adapting heads, tested on ${where}:`,
    ...tried.map(({ change, gain, taken }) => `  ${evidenceOf(gain)}  ${change}${taken ? '  (chosen)' : ''}`),
    'chosen: ' +
      `${describeSettings(settings)}${tried.some(({ taken }) => taken) ? '' : ' (unchanged: nothing was significantly better)'}`,
  ];
}

/** Describes drift, that is, how much less similar the later members are to the seeds. */
export function describeDrift({ campaigns, from, until, by_seeds }: Drift): string[] {
  return [
    `drift, measured on ${campaigns} held-out campaigns (${from.slice(0, 10)} to ${until.slice(0, 10)}): how ` +
      "much of the seeds' advantage over chance later members keep, in recall and in AUC",
    ...by_seeds.map(
      ({ seeds, campaigns: own, recall, auc }) =>
        `  ${recall.kept.toFixed(2)} and ${auc.kept.toFixed(2)} with ${seeds} seeds (${own} campaigns)`,
    ),
  ];
}

/** Explains why drift cannot be measured on a service's campaigns, and what predictions assume instead. */
export function describeUnmeasured(earlier: Drift | undefined): string {
  const why =
    'drift is not measured: a service does not know when a user became a seed, and only users chosen by a model could convert';
  if (!earlier) return `${why}; predictions will assume that later members resemble the seeds`;
  return `${why}; predictions will use the drift of the serving model, measured on ${counted(earlier.campaigns, 'campaign')}`;
}

/** Describes the parts of the model, and the measured gain over the regression alone. */
export function describeBlend(adaptation: AdaptationSettings, blend: BlendChoice | null): string[] {
  const stack = adaptation.optimiser === 'gradient_descent' ? adaptation.stack : undefined;
  if (!stack) return [];
  const plain = stack.regressions.filter(({ prior }) => prior === undefined);
  const drawn = stack.regressions.filter(({ prior }) => prior !== undefined);
  const parts = [
    { name: 'heads', shares: [stack.heads], of: [] },
    { name: 'regression', shares: plain, of: plain.map(({ strength }) => `${strength}`) },
    {
      name: 'regression with a past-campaign prior',
      shares: drawn,
      of: drawn.map(({ strength }) => `${strength}`),
    },
    { name: 'logistic regression', shares: stack.companions, of: [] },
  ];
  const weightOf = (shares: readonly Share[]) => shares.reduce((sum, { few, many }) => sum + (few + many) / 2, 0);
  const all = weightOf(parts.flatMap(({ shares }) => shares));
  const made = parts
    .filter(({ shares }) => weightOf(shares) > 0)
    .map(({ name, shares, of }) => {
      const strengths = [...new Set(of)];
      const detail =
        strengths.length === 0 ? '' : ` (strength${strengths.length > 1 ? 's' : ''} ${strengths.join(', ')})`;
      return `${name} ${(weightOf(shares) / all).toFixed(2)}${detail}`;
    });
  return [
    `parts of the model: ${made.join(', ')}${blend ? gainedBy(blend) : ''}`,
    ...(blend ? WHY_SIMPLER[blend.kind] : []),
  ];
}

function gainedBy({ kind, campaigns, gain }: BlendChoice): string {
  if (gain === null || kind === 'regression') return '';
  const where = `on the ${campaigns} held-out campaigns used to choose the parts`;
  return `; ${intervalsOf(gain, campaigns)} over the regression alone, ${where}`;
}

const WHY_SIMPLER: Readonly<Record<BlendKind, readonly string[]>> = {
  stack: [],
  'closed forms': [
    'the trained heads gain less than 0.001 (AUC + precision@5% / 4) over the regressions, so the model leaves the heads out',
  ],
  regression: [
    'no other part gains 0.001 (AUC + precision@5% / 4) over the regression, so the model is only a regression',
  ],
};

function describeSettings({ rates, steps, first_pass }: Choice['settings']): string {
  return [
    `rates ${named(rates)}`,
    `${steps.at_50_seeds} steps at 50 seeds, ~ seeds^${steps.exponent}`,
    first_pass ? `cut ${first_pass.cut}` : 'no cut',
  ].join('; ');
}

/** Formats mean differences with their confidence intervals. */
function intervalsOf({ auc, precision }: Gain, campaigns: number): string {
  const interval = ({ mean: value, error }: Mean, digits: number) => {
    const half = sureAt(campaigns) * error;
    return signedInterval({ mean: value, low: value - half, high: value + half }, digits);
  };
  return `AUC ${interval(auc, 4)}, precision@5% ${interval(precision, 3)}`;
}

function evidenceOf({ auc, precision }: Gain): string {
  return `AUC ${mean(auc, 4)}, precision@5% ${mean(precision, 3)}`;
}

function mean({ mean: value, error }: Mean, digits: number): string {
  return `${signed(value, digits)} +-${error.toFixed(digits)}`;
}

function named(values: Setting): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
