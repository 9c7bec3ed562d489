/**
 * Chooses the parts with which the trained heads are blended, and the weight of each part: a stack fitted to campaigns
 * that the heads have not seen, or a simpler blend that is as good.
 */

import { assert } from '../../lib/errors.ts';
import { HEADS } from '../../model/architectures/heads.ts';
import { type ClosedForm, type Share, weightFor } from '../../model/blend.ts';
import type { DescentSettings } from '../../model/manifest.ts';
import type { RidgeSetting } from '../baselines/population-ridge.ts';
import { measureRanking } from '../evaluation/metrics.ts';
import { type Gain, gainOf, LEAST_CAMPAIGNS, type Outcome } from './evidence.ts';
import type { TrialLogits } from './head-trials.ts';
import { fitStack } from './stack.ts';
import { SHARES } from './trial.ts';
import { meanOutcome } from './tuning.ts';

/** The parts of a stack besides the heads. Multiplying or dividing a strength by three gives nearly the same logits. */
export const LIBRARY: readonly ClosedForm[] = [
  { kind: 'logistic', strengths: { [HEADS.query]: 0.03 } },
  { kind: 'logistic', strengths: { [HEADS.wide]: 0.1 } },
  { kind: 'logistic', strengths: { [HEADS.wide]: 0.02 } },
  { kind: 'regression', strength: 0.0015, power: 0.25 },
  { kind: 'regression', strength: 0.005, power: 0.25 },
  { kind: 'regression', strength: 0.05, power: 0.25 },
  { kind: 'regression', strength: 0.5, power: 0.25 },
  { kind: 'regression', strength: 0.0015, power: 0 },
  { kind: 'regression', strength: 0.015, power: 0 },
  { kind: 'regression', strength: 0.15, power: 0 },
];

/** Regressions with a prior, for models that have priors. */
const withPrior = (power: number): ClosedForm[] =>
  [0.005, 0.03, 0.2].map((strength) => ({ kind: 'regression', strength, power, prior: 4 }));

/**
 * The forms available to a model with these settings. A logistic regression is included only if the model has the
 * parameters on which it is fitted. The two regressions of the settings, each chosen alone, are included if their
 * settings are outside the range of the other forms, because the stack could not express them otherwise. The order is
 * the same as in a stack and in its columns of logits: logistic regressions first.
 */
export function libraryOf({
  rates,
  regression,
  companion,
  priors = [],
}: Pick<DescentSettings, 'rates' | 'regression' | 'companion' | 'priors'>): ClosedForm[] {
  const chosen: ClosedForm[] = [
    ...(companion ? [{ kind: 'logistic' as const, strengths: companion.strengths }] : []),
    ...(regression ? [{ kind: 'regression' as const, strength: regression.strength, power: regression.power }] : []),
  ];
  const forms = [...LIBRARY, ...chosen.filter(isOutside), ...priors.flatMap(({ power }) => withPrior(power))].filter(
    (form) => form.kind === 'regression' || Object.keys(form.strengths).every((name) => name in rates),
  );
  return [...forms.filter(({ kind }) => kind === 'logistic'), ...forms.filter(({ kind }) => kind === 'regression')];
}

/** Whether a strength or power is outside the range of all forms of this kind in `LIBRARY`. */
function isOutside(form: ClosedForm): boolean {
  const valuesOf = (own: ClosedForm): Readonly<Record<string, number>> =>
    own.kind === 'logistic' ? own.strengths : { strength: own.strength, power: own.power };
  const others = LIBRARY.filter(({ kind }) => kind === form.kind).map(valuesOf);
  return Object.entries(valuesOf(form)).some(([name, value]) => {
    const known = others.map((own) => own[name]).filter((other) => other !== undefined);
    return known.every((other) => other < value) || known.every((other) => other > value);
  });
}

/** Weight of the heads in a stack before any evidence; the forms of the library share the rest equally. */
const HEADS_BEFORE = 0.5;
/**
 * Weight of the heads if there are too few campaigns to fit a stack before training, because a model trained on so few
 * campaigns is weak.
 */
const HEADS_WHERE_FEW = 0.25;
/** Weight of a fitted stack's prior, expressed as a number of campaigns. */
const PRIOR_STRENGTH = 1;
/** Minimum share of the total weight; smaller parts are left out, because each part costs time in every expansion. */
const LEAST_SHARE = 0.02;
/** Number of folds into which campaigns are split. A stack is judged on the fold to which it was not fitted. */
const FOLDS = 4;

/**
 * A simpler blend is chosen if its gain in utility (negative for a loss) minus one standard error is at least this
 * value.
 */
const LEAST_LOSS = -0.001;

/** The kind of the served blend. */
export type BlendKind = 'stack' | 'closed forms' | 'regression';

export interface BlendChoice {
  readonly kind: BlendKind;
  readonly campaigns: number;
  /**
   * The gain of the served blend over the whole-population regression alone; null if there are too few campaigns to
   * measure it.
   */
  readonly gain: Gain | null;
  /** The gain of each kind over the stack, if kinds were compared. */
  readonly tried: readonly { readonly kind: BlendKind; readonly gain: Gain }[];
}

/** Returns `settings` with a stack of these forms. */
export function withStack(
  { companion: _, regression, priors = [], ...settings }: DescentSettings,
  forms: readonly ClosedForm[],
  [heads, ...shares]: readonly Share[],
): DescentSettings {
  const parts = forms.map((form, i) => ({ form, share: shares[i]! }));
  const used = priors.filter(({ power }) =>
    forms.some((form) => form.kind === 'regression' && form.prior !== undefined && form.power === power),
  );
  return {
    ...settings,
    ...(used.length > 0 ? { priors: used } : {}),
    stack: {
      parameter: regression?.parameter ?? settings.stack?.parameter ?? HEADS.regression,
      heads: heads!,
      companions: parts.flatMap(({ form, share }) =>
        form.kind === 'logistic' ? [{ strengths: form.strengths, ...share }] : [],
      ),
      regressions: parts.flatMap(({ form, share }) =>
        form.kind === 'regression' ? [{ ...withoutKind(form), ...share }] : [],
      ),
    },
  };
}

function withoutKind({ kind: _, ...settings }: ClosedForm & { readonly kind: 'regression' }) {
  return settings;
}

/** The stack to use before there is evidence of the quality of its parts. */
export function stackBefore(forms: readonly ClosedForm[], heads = HEADS_BEFORE): Share[] {
  const each = (1 - heads) / forms.length;
  return [heads, ...forms.map(() => each)].map((weight) => ({ few: weight, many: weight }));
}

/** The stack before training if there are too few campaigns to fit one. */
export function stackWhereFew(settings: DescentSettings): Share[] {
  return stackBefore(libraryOf(settings), HEADS_WHERE_FEW);
}

/**
 * Settings with the choice made before training. A model keeps these settings if nothing is chosen later. Without a
 * stack (if there are too few campaigns), the heads are blended with one logistic and one whole-population regression.
 */
export function settingsBefore({
  settings,
  stack,
}: {
  readonly settings: DescentSettings;
  readonly stack?: readonly Share[];
}): DescentSettings {
  if (stack) return withStack(settings, libraryOf(settings), stack);
  const { companion, regression } = settings;
  if (!companion || !regression) return settings;
  const { strength, power } = regression;
  const forms: readonly ClosedForm[] = [
    { kind: 'logistic', strengths: companion.strengths },
    { kind: 'regression', strength, power },
  ];
  return withStack(settings, forms, [always(HEADS_WHERE_FEW), always(0.5), always(0.25)]);
}

/**
 * The stack before training, fitted to the logits of train campaigns' trials (see `comparedSettings`), because there
 * are more train campaigns than campaigns held out later. Nothing is known about trained heads yet.
 */
export function fitStackBefore(settings: DescentSettings, campaigns: readonly (readonly TrialLogits[])[]): Share[] {
  const before = stackBefore(libraryOf(settings));
  checkColumns(campaigns, before);
  const [, ...shares] = fitShares(campaigns, [...before.keys()], before);
  return [before[HEADS_COLUMN]!, ...shares];
}

/** Settings that produce the logits for `chooseBlend`: the heads, `LIBRARY`, and the regression alone. */
export function comparedSettings(settings: DescentSettings, { strength, power }: RidgeSetting): DescentSettings {
  const forms: readonly ClosedForm[] = [...libraryOf(settings), { kind: 'regression', strength, power }];
  return withStack(settings, forms, stackBefore(forms));
}

/**
 * The best blend according to the logits from trials of held-out campaigns (see `comparedSettings`), shrunk towards the
 * stack `before` training. A stack is compared with a stack without heads and with the regression alone, campaign by
 * campaign; each blend is measured on campaigns to which it was not fitted. A simpler blend is chosen if it is as good
 * as every blend chosen before it.
 */
export function chooseBlend(
  settings: DescentSettings,
  campaigns: readonly (readonly TrialLogits[])[],
  { strength, power }: RidgeSetting,
  before: readonly Share[],
): { readonly settings: DescentSettings; readonly choice: BlendChoice } {
  checkColumns(campaigns, before);
  const count = campaigns.length;
  const closed = [...before.keys()].filter((column) => column !== HEADS_COLUMN);
  const stackOf = (columns: readonly number[]) => prunedStack(settings, campaigns, before, columns);
  if (count < LEAST_CAMPAIGNS)
    return {
      settings: stackOf([HEADS_COLUMN, ...closed]),
      choice: { kind: 'stack', campaigns: count, gain: null, tried: [] },
    };
  const outcomes = {
    stack: outcomesOf(campaigns, [HEADS_COLUMN, ...closed], before),
    'closed forms': outcomesOf(campaigns, closed, before),
    regression: campaigns.map((trials) =>
      meanOutcome(trials.map((trial) => measure(pick(trial, [before.length]), [ALL]))),
    ),
  };
  const simpler: readonly BlendKind[] = ['closed forms', 'regression'];
  const tried = simpler.map((kind) => ({ kind, gain: gainOf(outcomes[kind], outcomes.stack) }));
  const taken: BlendKind[] = ['stack'];
  for (const own of simpler)
    if (taken.every((other) => isLevel(gainOf(outcomes[own], outcomes[other])))) taken.push(own);
  const kind = taken.at(-1)!;
  const choice = { kind, campaigns: count, gain: gainOf(outcomes[kind], outcomes.regression), tried };
  if (kind === 'regression')
    return { settings: withStack(settings, [{ kind: 'regression', strength, power }], [NONE, ALL]), choice };
  return { settings: stackOf(kind === 'stack' ? [HEADS_COLUMN, ...closed] : closed), choice };
}

/** Checks the number of columns, because logits are matched to weights by position. */
function checkColumns(campaigns: readonly (readonly TrialLogits[])[], before: readonly Share[]): void {
  const expected = before.length + 1;
  const other = campaigns.flat().find(({ columns }) => columns.length !== expected);
  assert(!other, `${other?.columns.length} columns of logits, not the ${expected} of a stack and the regression alone`);
}

/**
 * Whether a simpler blend with this gain over another blend counts as equally good. It does if the mean gain is not
 * negative, or if the mean gain minus one standard error is at least `LEAST_LOSS`.
 */
export function isLevel({ utility: { mean, error } }: Pick<Gain, 'utility'>): boolean {
  return mean >= 0 || mean - error >= LEAST_LOSS;
}

const HEADS_COLUMN = 0;
const always = (weight: number): Share => ({ few: weight, many: weight });
const NONE: Share = { few: 0, many: 0 };
const ALL: Share = { few: 1, many: 1 };

function fitShares(
  campaigns: readonly (readonly TrialLogits[])[],
  columns: readonly number[],
  before: readonly Share[],
): Share[] {
  return fitStack(
    campaigns.map((trials) => trials.map((trial) => pick(trial, columns))),
    { towards: columns.map((column) => before[column]!), strength: PRIOR_STRENGTH },
  );
}

/** The outcome of each campaign with a stack of these columns, fitted to the folds without that campaign. */
function outcomesOf(
  campaigns: readonly (readonly TrialLogits[])[],
  columns: readonly number[],
  before: readonly Share[],
): Outcome[] {
  const shares = Array.from({ length: FOLDS }, (_, fold) => {
    const others = campaigns.filter((_, i) => i % FOLDS !== fold);
    return fitShares(others, columns, before);
  });
  return campaigns.map((trials, i) =>
    meanOutcome(trials.map((trial) => measure(pick(trial, columns), shares[i % FOLDS]!))),
  );
}

/** The stack of these columns fitted to all campaigns, without the parts that have hardly any weight. */
function prunedStack(
  settings: DescentSettings,
  campaigns: readonly (readonly TrialLogits[])[],
  before: readonly Share[],
  columns: readonly number[],
): DescentSettings {
  const library = libraryOf(settings);
  const most = fitShares(campaigns, columns, before).map(({ few, many }) => Math.max(few, many));
  const all = most.reduce((sum, weight) => sum + weight, 0);
  const kept = columns.filter((column, i) => column === HEADS_COLUMN || most[i]! >= LEAST_SHARE * all);
  const shares = fitShares(campaigns, kept, before);
  const heads = kept.includes(HEADS_COLUMN) ? shares.shift()! : NONE;
  const forms = kept.filter((column) => column !== HEADS_COLUMN).map((column) => library[column - 1]!);
  return withStack(settings, forms, [heads, ...shares]);
}

function pick({ columns, ...trial }: TrialLogits, which: readonly number[]): TrialLogits {
  return { ...trial, columns: which.map((column) => columns[column]!) };
}

function measure({ seeds, labels, columns }: TrialLogits, shares: readonly Share[]): Outcome {
  const scores = new Float64Array(labels.length);
  for (const [k, share] of shares.entries()) {
    const weight = weightFor(share, seeds);
    const column = columns[k]!;
    for (let row = 0; row < scores.length; row++) scores[row]! += weight * column[row]!;
  }
  const { auc, top } = measureRanking(Int32Array.from(labels.keys()), scores, labels, SHARES);
  return { auc, precision: top[0]!.precision };
}
