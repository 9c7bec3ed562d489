/** Validation: a model that is being trained adapts to simulated seed sets of past campaigns, as the service would to tomorrow's. */

import type { Parameters } from '../adaptation/compaction.ts';
import { createRng, type Rng } from '../lib/rng.ts';
import type { AdaptationSettings, DescentSettings } from '../model/manifest.ts';
import { type Choice, chooseAdaptation, STAGES, STAGES_AT_START } from './choose-adaptation.ts';
import { whereFew } from './descent.ts';
import { LEAST_CAMPAIGNS, type Outcome } from './evidence.ts';
import { type Future, foldsOf, knownUsers, trialsOf } from './futures.ts';
import type { HeldOut } from './held-out.ts';
import type { CampaignHistory } from './history.ts';
import type { Play } from './learner.ts';
import type { Learners } from './learners.ts';
import {
  CHOICE_CAMPAIGNS,
  CHOICE_SEEDS,
  START_CAMPAIGNS,
  type TrainSettings,
  VALIDATION_CAMPAIGNS,
  VALIDATION_SEEDS,
} from './settings.ts';
import { type Summary, summarise } from './summary.ts';
import { meanOutcome } from './tuning.ts';
import type { Workspace } from './workspace.ts';

export interface Validation {
  /** How the held-out campaigns fare; a campaign's quality is the mean over its seed sets: they are no campaigns of their own. */
  validate(learners: Learners, parameters: Parameters): Promise<Summary>;
  /** How the heads are adapted best, which may be as it was chosen `before` training; null where the model has none. */
  choose(learners: Learners, parameters: Parameters, before: AdaptationSettings): Promise<Choice | null>;
}

type Known = Pick<TrainSettings, 'seed' | 'adaptation'>;

/**
 * How the heads of a model that knows nothing yet are adapted best, on train campaigns: there are more of them than are held out later, and a
 * general model of few campaigns adds little. null where the model has no heads.
 */
export async function chooseAtStart(
  { population }: Workspace,
  campaigns: readonly CampaignHistory[],
  learners: Learners,
  parameters: Parameters,
  { seed, adaptation }: Known,
): Promise<Choice | null> {
  if (adaptation.optimiser !== 'gradient_descent') return null;
  const rng = createRng(`train/${seed}/start`);
  const folds = foldsOf(campaigns, rng.fork('folds'));
  const each = Math.ceil(START_CAMPAIGNS / Math.max(folds.length, 1));
  const plays = folds.flatMap((future) =>
    playsOf(campaigns, future, each, CHOICE_SEEDS, population, rng, `train/${seed}/start`),
  );
  if (plays.length < LEAST_CAMPAIGNS) return { settings: whereFew(adaptation), tried: [], campaigns: plays.length };
  return chooseAdaptation(adaptation, plays.length, playAll(learners, parameters, plays), {
    stages: STAGES_AT_START,
  });
}

/** The outcome of each campaign, the mean over its seed sets, with each of some settings. */
function playAll(learners: Learners, parameters: Parameters, plays: readonly Play[]) {
  return async (settings: readonly DescentSettings[]): Promise<Outcome[][]> => {
    const played = await learners.play(
      parameters,
      plays.map((play) => ({ ...play, settings })),
    );
    return settings.map((_, s) =>
      played.map((campaign) =>
        meanOutcome(campaign[s]!.map(({ auc, top }) => ({ auc, precision: top[0]!.precision }))),
      ),
    );
  };
}

/** Trials of at most `most` campaigns of a future, one for each number of seeds; a campaign that is too small for any is left out. */
function playsOf(
  campaigns: readonly CampaignHistory[],
  future: Future,
  most: number,
  seedCounts: readonly number[],
  population: Workspace['population'],
  rng: Rng,
  key: string,
): Play[] {
  const known = knownUsers(campaigns, future, population.rowOf.length);
  const ids = future.map(({ id }) => id);
  return future.slice(0, most).flatMap((campaign): Play[] => {
    const trials = trialsOf(campaign, seedCounts, known, population, rng);
    return trials.length > 0 ? [{ trials, key: `${key}/${campaign.id}`, future: ids, settings: [] }] : [];
  });
}

export function drawValidation(
  { population }: Workspace,
  { campaigns, held }: HeldOut,
  { seed, adaptation }: Known,
): Validation {
  const rng = createRng(`train/${seed}/trials`);
  const descent = adaptation.optimiser === 'gradient_descent' ? [adaptation] : [];
  const draw = (most: number, seedCounts: readonly number[]): Play[] =>
    playsOf(campaigns, held, most, seedCounts, population, rng, `train/${seed}/validation`);
  const validated = draw(VALIDATION_CAMPAIGNS, VALIDATION_SEEDS).map((play) => ({ ...play, settings: descent }));
  return {
    async validate(learners, parameters) {
      const played = await learners.play(parameters, validated);
      const qualities = validated.map(({ trials }, i) => ({ trial: trials[0]!, repeats: played[i]![0]! }));
      return summarise(qualities, rng.fork('bootstrap'));
    },
    async choose(learners, parameters, before) {
      const [defaults] = descent;
      if (!defaults || before.optimiser !== 'gradient_descent') return null;
      const plays = draw(CHOICE_CAMPAIGNS, CHOICE_SEEDS);
      return chooseAdaptation(defaults, plays.length, playAll(learners, parameters, plays), {
        stages: STAGES,
        before,
      });
    },
  };
}
