/**
 * Chooses a blend as an earlier version did, without a stack: one regression of each kind, and one weight at a time.
 */
import type { DescentSettings } from '../../../src/model/manifest.ts';
import { chooseAdaptation, type Stages } from '../../../src/training/choices/choose-adaptation.ts';
import { withStack } from '../../../src/training/choices/choose-blend.ts';
import { LEAST_CAMPAIGNS, type Outcome } from '../../../src/training/choices/evidence.ts';

/** The grid of weights, relative to heads with weight 1. */
const WEIGHTS: readonly number[] = [0.25, 0.5, 1, 2, 4, 8];
/** Further weights for the extended grid. */
const FURTHER: readonly number[] = [16, 32, 64];

/** The campaigns that one stage of the choice uses. */
export interface Tried {
  readonly campaigns: number;
  /** Returns the outcome on every campaign for each of the given settings. */
  evaluate(settings: readonly DescentSettings[]): readonly (readonly Outcome[])[];
}

/**
 * Chooses the weights of both regressions in `settings`, first before training and then on held-out campaigns. If
 * `grown` is true, further weights are tried, as well as the whole-population regression alone.
 */
export async function chooseOneAtATime(
  settings: DescentSettings,
  { start, held }: { readonly start: Tried; readonly held: Tried },
  grown: boolean,
): Promise<DescentSettings> {
  const stages: Stages = [weights('regression', grown), weights('companion', grown)];
  const choose = async (from: DescentSettings, { campaigns, evaluate }: Tried, before = from) =>
    (await chooseAdaptation(from, campaigns, async (all) => evaluate(all), { stages, before })).settings;
  const before = start.campaigns < LEAST_CAMPAIGNS ? whereFew(settings) : await choose(settings, start);
  return choose(settings, held, before);
}

/**
 * Returns the settings to use if there are too few campaigns for a choice. A model trained on so few campaigns is weak,
 * so the parts fitted to the seeds and the population get more weight.
 */
function whereFew({ companion, regression, ...rest }: DescentSettings): DescentSettings {
  return {
    ...rest,
    ...(companion ? { companion: { ...companion, weight: 2 } } : {}),
    ...(regression ? { regression: { ...regression, weight: 1 } } : {}),
  };
}

function weights(part: 'companion' | 'regression', grown: boolean): Stages[number] {
  return (from) => {
    const { [part]: own, ...without } = from;
    if (!own) return [];
    const others = [...WEIGHTS, ...(grown ? FURTHER : [])].filter((weight) => weight !== own.weight);
    return [
      { change: `no ${part}`, settings: without, isSimpler: true },
      ...others.map((weight) => ({
        change: `${part} of weight ${weight}`,
        settings: { ...from, [part]: { ...own, weight } },
      })),
      ...(grown && part === 'regression' ? [{ change: 'the regression alone', settings: regressionAlone(from) }] : []),
    ];
  };
}

/** Returns `settings` with a stack that consists only of the whole-population regression. */
export function regressionAlone(settings: DescentSettings): DescentSettings {
  const { strength, power } = settings.regression!;
  const [none, all] = [0, 1].map((weight) => ({ few: weight, many: weight }));
  return withStack(settings, [{ kind: 'regression', strength, power }], [none!, all!]);
}
