/** Chooses how heads are adapted, because no fixed combination of rates, steps and cut suits every data set. */
import type { Share } from '../../model/blend.ts';
import type { DescentSettings } from '../../model/manifest.ts';
import type { BlendChoice } from './choose-blend.ts';
import { type Alternative, chooseByEvidence, type Gain, gainOf, LEAST_CAMPAIGNS, type Outcome } from './evidence.ts';

/** An alternative, compared with the best settings so far. */
export interface Tried {
  readonly change: string;
  readonly gain: Gain;
  readonly taken: boolean;
}

export interface Choice {
  readonly settings: DescentSettings;
  readonly tried: readonly Tried[];
  readonly campaigns: number;
  /** The blend of the heads with other parts; absent before training. */
  readonly blend?: BlendChoice;
  /** The weights in the stack of `LIBRARY` before training; the heads come first. */
  readonly stack?: readonly Share[];
}

interface Option {
  readonly change: string;
  readonly settings: DescentSettings;
  /** Whether the option removes a part. */
  readonly isSimpler?: boolean;
  /**
   * Further options, which are tried if this option is chosen. Only an option at an end of its stage has further
   * options.
   */
  readonly beyond?: readonly Option[];
}

/** The alternatives to try, stage by stage. Each stage starts from the best settings so far. */
export type Stages = readonly ((from: DescentSettings) => Option[])[];

/**
 * Options of one kind, each of which goes further than the previous option. The first option is always tried; every
 * other option is tried only if the previous option is chosen.
 */
function along<T>(values: readonly T[], optionOf: (value: T) => Option): Option[] {
  return values.reduceRight<Option[]>((beyond, value) => [{ ...optionOf(value), beyond }], []);
}

/**
 * Options that change rates. Each argument lists the options in one direction, beginning with the option to try first
 * (see `along`).
 */
const rates =
  (...directions: readonly (readonly number[])[]) =>
  (from: DescentSettings): Option[] =>
    directions.flatMap((factors) =>
      along(factors, (factor) => ({
        change: `rates x ${factor}`,
        settings: {
          ...from,
          rates: Object.fromEntries(Object.entries(from.rates).map(([name, rate]) => [name, rate * factor])),
        },
      })),
    );

function steps(from: DescentSettings): Option[] {
  const option = (change: string, own: Partial<DescentSettings['steps']>): Option => ({
    change,
    settings: { ...from, steps: { ...from.steps, ...own } },
  });
  const counts = [
    [10, 5, 3],
    [40, 80, 160],
  ];
  const exponents = [
    [0.3, 0.1],
    [0.7, 0.9],
  ];
  return [
    ...counts.flatMap((own) => along(own, (count) => option(`${count} steps at 50 seeds`, { at_50_seeds: count }))),
    ...exponents.flatMap((own) => along(own, (exponent) => option(`steps ~ seeds^${exponent}`, { exponent }))),
  ];
}

function cut(from: DescentSettings): Option[] {
  return [
    { change: 'no cut', settings: { ...from, first_pass: null }, isSimpler: true },
    ...along(['.1', '.2', '.4'], (share) => ({
      change: `cut ${share}`,
      settings: { ...from, first_pass: { steps: 10, cut: Number(share) } },
    })),
  ];
}

/** Stages before training. Data sets whose users have few tokens need larger steps. */
export const STAGES_AT_START: Stages = [rates([2], [4], [8, 16, 32, 64])];

/** Stages with a trained model. */
export const STAGES: Stages = [rates([0.5, 0.25, 0.125, 0.0625], [2, 4, 8, 16]), steps, cut];

/**
 * Starts at `defaults` and moves, stage by stage, to the alternative that the evidence favours (see
 * `chooseByEvidence`). If the alternative is at the end of its stage, its further options are tried as long as the
 * evidence favours them. `evaluate` returns the outcome of every campaign for each setting. Gains are paired campaign
 * by campaign, so `evaluate` should use the same random numbers for all settings. `before`, settings chosen by other
 * means, is compared with the defaults first, and the better of the two is the starting point. If there are too few
 * campaigns for a choice, `before` is used.
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
    let options: readonly Option[] = stage(best);
    while (options.length > 0) {
      const evaluated = await evaluate(options.map(({ settings }) => settings));
      const alternatives = options.map(
        ({ isSimpler = false }, i): Alternative => ({ gain: gainOf(evaluated[i]!, outcomes), isSimpler }),
      );
      const taken = chooseByEvidence(alternatives, campaigns);
      for (const [i, { gain }] of alternatives.entries())
        tried.push({ change: options[i]!.change, gain, taken: i === taken });
      if (taken === -1) break;
      best = options[taken]!.settings;
      outcomes = evaluated[taken]!;
      options = options[taken]!.beyond ?? [];
    }
  }
  return { settings: best, tried, campaigns };
}
