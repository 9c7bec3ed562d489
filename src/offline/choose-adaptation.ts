/** Chooses how heads are adapted on held-out campaigns: no fixed rates, steps and cut serve every data set. */
import type { DescentSettings } from '../model/manifest.ts';

/** One alternative beside what was the best until then. */
export interface Tried {
  readonly change: string;
  /** Mean over campaigns of the gain in AUC, and the standard error of that mean. */
  readonly gain: number;
  readonly error: number;
  readonly taken: boolean;
}

export interface Choice {
  readonly settings: DescentSettings;
  readonly tried: readonly Tried[];
  readonly campaigns: number;
}

/** Fewer campaigns than this cannot overrule the defaults. */
export const LEAST_CAMPAIGNS = 4;
/** A gain is clear if it is this many standard errors away from nothing: several alternatives are tried, and few campaigns make a vague error. */
const clearAt = (campaigns: number): number => 2 + 4 / campaigns;
/** And if it is as large as this. */
const LEAST_GAIN = 0.0005;

type Alternative = readonly [change: string, settings: DescentSettings];

/** What is tried, one thing after the other, each from the best so far. */
export type Stages = readonly ((from: DescentSettings) => Alternative[])[];

/** Of a companion. */
const WEIGHTS = [0.25, 0.5, 1, 2, 4];

/** Before training: data sets whose users have few tokens need larger steps, and more of the companion. */
export const STAGES_AT_START: Stages = [
  (from) => [2, 4, 8].map((factor) => [`rates x ${factor}`, { ...from, rates: scaled(from.rates, factor) }]),
  (from) =>
    withWeights(
      from,
      WEIGHTS.filter((weight) => weight > 0.5),
    ),
];

/** With a trained model. */
const STAGES: Stages = [
  (from) => [0.5, 2].map((factor) => [`rates x ${factor}`, { ...from, rates: scaled(from.rates, factor) }]),
  (from) => [
    ...[10, 40].map((steps): Alternative => [`${steps} steps at 50 seeds`, withSteps(from, { at_50_seeds: steps })]),
    ...[0.3, 0.7].map((exponent): Alternative => [`steps ~ seeds^${exponent}`, withSteps(from, { exponent })]),
  ],
  (from) => [
    ['no cut', { ...from, first_pass: null }],
    ['cut .1', { ...from, first_pass: { steps: 10, cut: 0.1 } }],
  ],
  (from) => {
    const { companion, ...without } = from;
    if (!companion) return [];
    const { weight } = companion;
    return [
      ['no companion', without],
      ...withWeights(
        from,
        WEIGHTS.filter((other) => other !== weight),
      ),
    ];
  },
];

function withWeights({ companion, ...without }: DescentSettings, weights: readonly number[]): Alternative[] {
  if (!companion) return [];
  return weights.map((weight) => [
    `companion of weight ${weight}`,
    { ...without, companion: { ...companion, weight } },
  ]);
}

/**
 * Starts at `defaults` and takes, stage by stage, the alternative with the largest mean gain in AUC, if that gain is clear: few campaigns must not
 * overfit the choice. `play` gives, for each of some settings, the AUC of every held-out campaign (the mean over its seed sets); gains are paired
 * campaign by campaign, so it should take equal draws. `before`, what was chosen by other means, competes with the defaults first: the better one
 * is where the stages start, and it is taken where there are too few campaigns to choose on.
 */
export async function chooseAdaptation(
  defaults: DescentSettings,
  campaigns: number,
  play: (settings: readonly DescentSettings[]) => Promise<readonly (readonly number[])[]>,
  { stages = STAGES, before = defaults }: { readonly stages?: Stages; readonly before?: DescentSettings } = {},
): Promise<Choice> {
  const tried: Tried[] = [];
  if (campaigns < LEAST_CAMPAIGNS) return { settings: before, tried, campaigns };
  const [own, other] = await play([defaults, before]);
  let best = defaults;
  let aucs = own!;
  if (before !== defaults) {
    const gain = meanOf(other!.map((auc, i) => auc - own![i]!));
    const taken = gain.mean > 0;
    tried.push({ change: 'as chosen before training', gain: gain.mean, error: gain.error, taken });
    if (taken) [best, aucs] = [before, other!];
  }
  for (const stage of stages) {
    const alternatives = stage(best);
    const played = await play(alternatives.map(([, settings]) => settings));
    const from = aucs;
    const gains = played.map((own) => meanOf(own.map((auc, i) => auc - from[i]!)));
    const isClear = ({ mean, error }: Mean) => mean >= LEAST_GAIN && mean > clearAt(campaigns) * error;
    const clear = [...gains.keys()].filter((i) => isClear(gains[i]!));
    const taken = clear.reduce((a, b) => (a === -1 || gains[b]!.mean > gains[a]!.mean ? b : a), -1);
    for (const [i, { mean, error }] of gains.entries())
      tried.push({ change: alternatives[i]![0], gain: mean, error, taken: i === taken });
    if (taken === -1) continue;
    best = alternatives[taken]![1];
    aucs = played[taken]!;
  }
  return { settings: best, tried, campaigns };
}

function scaled(rates: DescentSettings['rates'], factor: number): DescentSettings['rates'] {
  return Object.fromEntries(Object.entries(rates).map(([name, rate]) => [name, rate * factor]));
}

function withSteps(from: DescentSettings, steps: Partial<DescentSettings['steps']>): DescentSettings {
  return { ...from, steps: { ...from.steps, ...steps } };
}

interface Mean {
  readonly mean: number;
  /** Standard error of the mean. */
  readonly error: number;
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}
