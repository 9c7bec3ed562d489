/** Validation: a model that is being trained adapts to simulated seed sets of held-out campaigns, as the service would. */
import { createRng } from '../lib/rng.ts';
import type { Parameters } from '../model/compaction.ts';
import { type Choice, chooseAdaptation } from './choose-adaptation.ts';
import { type HeldOut, heldOutTrial } from './held-out.ts';
import type { Play } from './learner.ts';
import type { Learners } from './learners.ts';
import {
  CHOICE_CAMPAIGNS,
  CHOICE_SEEDS,
  type TrainSettings,
  VALIDATION_CAMPAIGNS,
  VALIDATION_SEEDS,
} from './settings.ts';
import { type Summary, summarise } from './summary.ts';
import type { Trial } from './trial.ts';
import type { Workspace } from './workspace.ts';

export interface Validation {
  /** How the held-out campaigns fare; a campaign's quality is the mean over its seed sets: they are no campaigns of their own. */
  validate(learners: Learners, parameters: Parameters): Promise<Summary>;
  /** How the heads are adapted best; null where the model has none. */
  choose(learners: Learners, parameters: Parameters): Promise<Choice | null>;
}

export function drawValidation(
  { population }: Workspace,
  { training, held }: HeldOut,
  { seed, adaptation }: TrainSettings,
): Validation {
  const rng = createRng(`train/${seed}/trials`);
  const descent = adaptation.optimiser === 'gradient_descent' ? [adaptation] : [];
  const playsOf = (most: number, seedCounts: readonly number[]): Play[] =>
    held.slice(0, most).flatMap((campaign): Play[] => {
      const drawn = seedCounts.map((seeds) =>
        heldOutTrial(campaign, seeds, training, population, rng.fork(`${campaign.id}/${seeds}`)),
      );
      // a small campaign has the same half of its members as seeds, whatever was asked for
      const trials = drawn.filter(
        (trial, i): trial is Trial => trial !== null && trial.seeds.length !== drawn[i - 1]?.seeds.length,
      );
      const key = `train/${seed}/validation/${campaign.id}`;
      return trials.length > 0 ? [{ trials, key, settings: descent }] : [];
    });
  const validated = playsOf(VALIDATION_CAMPAIGNS, VALIDATION_SEEDS);
  return {
    async validate(learners, parameters) {
      const played = await learners.play(parameters, validated);
      const qualities = validated.map(({ trials }, i) => ({ trial: trials[0]!, repeats: played[i]![0]! }));
      return summarise(qualities, rng.fork('bootstrap'));
    },
    async choose(learners, parameters) {
      const [defaults] = descent;
      if (!defaults) return null;
      const plays = playsOf(CHOICE_CAMPAIGNS, CHOICE_SEEDS);
      return chooseAdaptation(defaults, plays.length, async (settings) => {
        const played = await learners.play(
          parameters,
          plays.map((play) => ({ ...play, settings })),
        );
        return settings.map((_, s) =>
          played.map((campaign) => campaign[s]!.reduce((sum, { auc }) => sum + auc, 0) / campaign[s]!.length),
        );
      });
    },
  };
}
