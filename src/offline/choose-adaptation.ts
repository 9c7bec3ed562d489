/** Chooses how heads are adapted, as no fixed rates, steps and cut suit every data set. */
import type { Share } from '../model/blend.ts';
import type { DescentSettings } from '../model/manifest.ts';
import type { BlendChoice } from './choose-blend.ts';
import { type Alternative, chooseByEvidence, type Gain, gainOf, LEAST_CAMPAIGNS, type Outcome } from './evidence.ts';

/** One alternative compared with the best so far. */
export interface Tried {
  readonly change: string;
  readonly gain: Gain;
  readonly taken: boolean;
}

export interface Choice {
  readonly settings: DescentSettings;
  readonly tried: readonly Tried[];
  readonly campaigns: number;
  /** What the heads are blended with; left out before training. */
  readonly blend?: BlendChoice;
  /** Before training: the stack of `LIBRARY`, the heads first. */
  readonly stack?: readonly Share[];
}

interface Option {
  readonly change: string;
  readonly settings: DescentSettings;
  /** It removes a part. */
  readonly isSimpler?: boolean;
}

/** The alternatives to try, stage by stage, each from the best so far. */
export type Stages = readonly ((from: DescentSettings) => Option[])[];

const rates =
  (factors: readonly number[]) =>
  (from: DescentSettings): Option[] =>
    factors.map((factor) => ({
      change: `rates x ${factor}`,
      settings: {
        ...from,
        rates: Object.fromEntries(Object.entries(from.rates).map(([name, rate]) => [name, rate * factor])),
      },
    }));

function steps(from: DescentSettings): Option[] {
  const option = (change: string, own: Partial<DescentSettings['steps']>): Option => ({
    change,
    settings: { ...from, steps: { ...from.steps, ...own } },
  });
  return [
    ...[10, 40].map((count) => option(`${count} steps at 50 seeds`, { at_50_seeds: count })),
    ...[0.3, 0.7].map((exponent) => option(`steps ~ seeds^${exponent}`, { exponent })),
  ];
}

function cut(from: DescentSettings): Option[] {
  return [
    { change: 'no cut', settings: { ...from, first_pass: null }, isSimpler: true },
    { change: 'cut .1', settings: { ...from, first_pass: { steps: 10, cut: 0.1 } } },
  ];
}

/** Before training: data sets whose users have few tokens need larger steps. */
export const STAGES_AT_START: Stages = [rates([2, 4, 8])];

/** With a trained model. */
export const STAGES: Stages = [rates([0.5, 2]), steps, cut];

/**
 * Starts at `defaults` and goes stage by stage, each time to the alternative that the evidence favours (see
 * `chooseByEvidence`). `evaluate` returns the outcome of every campaign for each setting; gains are paired campaign by
 * campaign, so it should use the same random numbers. `before`, chosen by other means, competes with the defaults
 * first: the better one is the starting point, and `before` is used if there are too few campaigns to choose on.
 */
export async function chooseAdaptation(
  defaults: DescentSettings,
  campaigns: number,
  evaluate: (settings: readonly DescentSettings[]) => Promise<readonly (readonly Outcome[])[]>,
  { stages, before = defaults }: { readonly stages: Stages; readonly before?: DescentSettings },
): Promise<Choice> {
  const tried: Tried[] = [];
  if (campaigns < LEAST_CAMPAIGNS) return { settings: before, tried, campaigns };
  const [own, other] = await evaluate([defaults, before]);
  let best = defaults;
  let outcomes = own!;
  if (before !== defaults) {
    const gain = gainOf(other!, own!);
    const taken = gain.utility.mean > 0;
    tried.push({ change: 'as chosen before training', gain, taken });
    if (taken) [best, outcomes] = [before, other!];
  }
  for (const stage of stages) {
    const options = stage(best);
    const evaluated = await evaluate(options.map(({ settings }) => settings));
    const alternatives = options.map(
      ({ isSimpler = false }, i): Alternative => ({ gain: gainOf(evaluated[i]!, outcomes), isSimpler }),
    );
    const taken = chooseByEvidence(alternatives, campaigns);
    for (const [i, { gain }] of alternatives.entries())
      tried.push({ change: options[i]!.change, gain, taken: i === taken });
    if (taken === -1) continue;
    best = options[taken]!.settings;
    outcomes = evaluated[taken]!;
  }
  return { settings: best, tried, campaigns };
}
