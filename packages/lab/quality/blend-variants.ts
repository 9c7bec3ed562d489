/**
 * Chooses blends with and without each element of the choice. All variants use the same trial logits, and none trains a
 * model.
 */
import { blendOf, type ClosedForm, formsOf, weightFor } from '../../../src/model/blend.ts';
import type { DescentSettings } from '../../../src/model/manifest.ts';
import {
  chooseBlend,
  fitStackBefore,
  libraryOf,
  stackWhereFew,
  withStack,
} from '../../../src/training/choices/choose-blend.ts';
import { LEAST_CAMPAIGNS, type Outcome } from '../../../src/training/choices/evidence.ts';
import type { TrialLogits } from '../../../src/training/choices/head-trials.ts';
import { SHARES } from '../../../src/training/choices/trial.ts';
import { meanOutcome } from '../../../src/training/choices/tuning.ts';
import { measureRanking } from '../../../src/training/evaluation/metrics.ts';
import { chooseOneAtATime, regressionAlone, type Tried } from './former-choice.ts';

/** The elements of the choice of a blend. A variant may leave out any of them. */
export const AXES = ['protocol', 'stack', 'seeds', 'grids'] as const;
export type Axis = (typeof AXES)[number];

/** The groups of logits that can be left out when a stack is fitted. */
type Part = 'heads' | 'logistic' | 'regression' | 'prior';

export interface Variant {
  readonly name: string;
  readonly has: readonly Axis[];
  /** The group of logits to leave out. */
  readonly without?: Part;
  /** Whether to use the whole-population regression alone instead of choosing a blend. */
  readonly isRegressionAlone?: boolean;
}

const lacking = (...out: readonly Axis[]): readonly Axis[] => AXES.filter((axis) => !out.includes(axis));

/**
 * The variants of the choice, starting with the current choice. There is no variant with `seeds` alone, because without
 * a stack no weight depends on the number of seeds.
 */
export const VARIANTS: readonly Variant[] = [
  { name: 'full', has: AXES },
  ...AXES.map((axis): Variant => ({ name: `no ${axis}`, has: lacking(axis) })),
  { name: 'none', has: [] },
  ...AXES.filter((axis) => axis !== 'seeds').map((axis): Variant => ({ name: `${axis} alone`, has: [axis] })),
  { name: 'stack and seeds alone', has: ['stack', 'seeds'] },
  { name: 'no heads', has: AXES, without: 'heads' },
  { name: 'no companions', has: AXES, without: 'logistic' },
  { name: 'no regressions', has: AXES, without: 'regression' },
  { name: 'no priors', has: AXES, without: 'prior' },
  { name: 'regression alone', has: AXES, isRegressionAlone: true },
];

/**
 * The logits of trials by campaign. The first column contains the logits of the heads. The other columns contain the
 * logits of the forms that `formsOf` returns for the settings in use.
 */
type Campaigns = readonly (readonly TrialLogits[])[];

/** The evidence for choosing a blend. */
export interface Evidence {
  /**
   * The adaptation settings of the heads, with both regressions. Each regression has the settings that are best when
   * the regression is used alone.
   */
  readonly settings: DescentSettings;
  /** The adaptation `settings`, but with the best regression settings from grids that are not extended. */
  readonly ungrown: DescentSettings;
  /** The forms whose logits follow the heads' column, in the order of the columns. */
  readonly forms: readonly ClosedForm[];
  /**
   * Trials before training (`start`) and on held-out campaigns (`held`), each with shares measured on folds (`found`)
   * and with equal shares (`equal`).
   */
  readonly trials: Readonly<Record<'found' | 'equal', { readonly start: Campaigns; readonly held: Campaigns }>>;
}

/** The blend to serve. Unless `seeds` is null, all campaigns use the weights for `seeds` seeds. */
export interface ChosenBlend {
  readonly settings: DescentSettings;
  readonly seeds: number | null;
}

/**
 * The number of seeds at which only the first of a share's two weights counts. Variants without weights by number of
 * seeds use this number for every campaign.
 */
const FEW = 10;

/** Returns settings with all parts that any variant needs: the library, and each of the two regressions alone. */
export function formsOfVariants(settings: DescentSettings, ungrown: DescentSettings): DescentSettings {
  const alone = [settings, ungrown].flatMap((own): ClosedForm[] => [
    { kind: 'logistic', strengths: own.companion!.strengths },
    regressionOf(own),
  ]);
  const byKey = new Map([...libraryOf(settings), ...alone].map((form) => [JSON.stringify(form), form]));
  const forms = [...byKey.values()];
  const even = { few: 1, many: 1 };
  return withStack(settings, forms, [even, ...forms.map(() => even)]);
}

function regressionOf({ regression }: DescentSettings): ClosedForm & { kind: 'regression' } {
  const { strength, power } = regression!;
  return { kind: 'regression', strength, power };
}

export async function chooseVariant(evidence: Evidence, variant: Variant): Promise<ChosenBlend> {
  const { settings, ungrown, forms, trials } = evidence;
  const { has, without, isRegressionAlone = false } = variant;
  const seeds = has.includes('seeds') ? null : FEW;
  if (isRegressionAlone) return { settings: regressionAlone(settings), seeds };
  const { start, held } = trials[has.includes('protocol') ? 'found' : 'equal'];
  if (!has.includes('stack')) {
    const tried = (campaigns: Campaigns): Tried => ({
      campaigns: campaigns.length,
      evaluate: (all) => all.map((one) => outcomesOf(campaigns, forms, { settings: one, seeds: null })),
    });
    const chosen = { start: tried(start), held: tried(held) };
    const isGrown = has.includes('grids');
    return { settings: await chooseOneAtATime(isGrown ? settings : ungrown, chosen, isGrown), seeds: null };
  }
  const { companion: _, regression: __, ...fixed } = ungrown;
  // without the settings of the best single regressions, only the fixed part of the library remains
  const own: DescentSettings = has.includes('grids') ? settings : fixed;
  const alone = regressionOf(has.includes('grids') ? settings : ungrown);
  const asked: readonly ClosedForm[] = [...libraryOf(own), alone];
  const hidden = new Set(without === 'heads' ? [0] : asked.flatMap((form, i) => (isOf(form, without) ? [i + 1] : [])));
  const seen = (campaigns: Campaigns) =>
    campaigns.map((own) =>
      own.map((trial) => ({
        ...trial,
        seeds: seeds ?? trial.seeds,
        columns: columnsOf(trial, forms, asked).map((column, i) =>
          hidden.has(i) ? new Float32Array(column.length) : column,
        ),
      })),
    );
  const before = start.length < LEAST_CAMPAIGNS ? stackWhereFew(own) : fitStackBefore(own, seen(start));
  const chosen = chooseBlend(own, seen(held), alone, before).settings;
  return { settings: without ? withoutPart(chosen, without) : chosen, seeds };
}

function isOf(form: ClosedForm, part: Part | undefined): boolean {
  if (part === 'prior') return form.kind === 'regression' && form.prior !== undefined;
  return form.kind === part;
}

/** Removes the weight of a part, because a fit gives some weight even to columns of zeros. */
function withoutPart(settings: DescentSettings, part: Part): DescentSettings {
  const stack = settings.stack!;
  const none = { few: 0, many: 0 };
  switch (part) {
    case 'heads':
      return { ...settings, stack: { ...stack, heads: none } };
    case 'logistic':
      return { ...settings, stack: { ...stack, companions: [] } };
    case 'regression':
      return { ...settings, stack: { ...stack, regressions: [] } };
    case 'prior':
      return {
        ...settings,
        stack: { ...stack, regressions: stack.regressions.filter(({ prior }) => prior === undefined) },
      };
  }
}

/**
 * Returns the heads' column of a trial, followed by the columns of the forms in `wanted`. The trial has one column for
 * the heads and one for each of `forms`.
 */
function columnsOf(
  { columns }: TrialLogits,
  forms: readonly ClosedForm[],
  wanted: readonly ClosedForm[],
): Float32Array[] {
  const keys = forms.map((form) => JSON.stringify(form));
  return [columns[0]!, ...wanted.map((form) => columns[1 + keys.indexOf(JSON.stringify(form))]!)];
}

function outcomesOf(campaigns: Campaigns, forms: readonly ClosedForm[], blend: ChosenBlend): Outcome[] {
  return campaigns.map((own) => meanOutcome(own.map((trial) => measureBlend(trial, forms, blend))));
}

/** Returns the quality of a trial's ranking by the blend, which is the weighted sum of the logits. */
export function measureBlend(
  trial: TrialLogits,
  forms: readonly ClosedForm[],
  { settings, seeds }: ChosenBlend,
): Outcome {
  const { heads, parts } = blendOf(settings);
  const shares = [heads, ...parts.map(({ share }) => share)];
  const scores = new Float64Array(trial.labels.length);
  for (const [k, column] of columnsOf(trial, forms, formsOf(settings)).entries()) {
    const weight = weightFor(shares[k]!, seeds ?? trial.seeds);
    for (let row = 0; row < scores.length; row++) scores[row]! += weight * column[row]!;
  }
  const { auc, top } = measureRanking(Int32Array.from(scores.keys()), scores, trial.labels, SHARES);
  return { auc, precision: top[0]!.precision };
}
