/** Validation: a model that is being trained adapts to simulated seed sets of held-out campaigns, as the service would. */
import { createRng, type Rng, shuffle } from '../lib/rng.ts';
import type { Parameters } from '../model/compaction.ts';
import type { AdaptationSettings, DescentSettings } from '../model/manifest.ts';
import { type Choice, chooseAdaptation, LEAST_CAMPAIGNS, STAGES_AT_START } from './choose-adaptation.ts';
import { type HeldOut, heldOutTrial } from './held-out.ts';
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
import type { Trial } from './trial.ts';
import type { Workspace } from './workspace.ts';

/** Of the companion, where there are too few campaigns to choose on: a model of so few adds little to what the seeds say. */
const WEIGHT_WHERE_FEW = 2;

export interface Validation {
  /** How the held-out campaigns fare; a campaign's quality is the mean over its seed sets: they are no campaigns of their own. */
  validate(learners: Learners, parameters: Parameters): Promise<Summary>;
  /** How the heads are adapted best, which may be as it was chosen `before` training; null where the model has none. */
  choose(learners: Learners, parameters: Parameters, before: AdaptationSettings): Promise<Choice | null>;
}

/**
 * How the heads of a model that knows nothing yet are adapted best, on train campaigns: there are more of them than are held out later, and a
 * general model of few campaigns adds little. null where the model has no heads.
 */
export async function chooseAtStart(
  { population }: Workspace,
  campaigns: readonly CampaignHistory[],
  learners: Learners,
  parameters: Parameters,
  { seed, adaptation }: Pick<TrainSettings, 'seed' | 'adaptation'>,
): Promise<Choice | null> {
  if (adaptation.optimiser !== 'gradient_descent') return null;
  const order = Int32Array.from(campaigns.keys());
  const rng = createRng(`train/${seed}/start`);
  shuffle(rng, order);
  const drawn = Array.from(order.subarray(0, START_CAMPAIGNS), (i) => campaigns[i]!);
  // nobody has told anybody apart yet
  const plays = playsOf(drawn, CHOICE_SEEDS, [], population, rng, `train/${seed}/start`);
  const { companion } = adaptation;
  if (plays.length < LEAST_CAMPAIGNS && companion) {
    const settings = { ...adaptation, companion: { ...companion, weight: WEIGHT_WHERE_FEW } };
    return { settings, tried: [], campaigns: plays.length };
  }
  return chooseAdaptation(adaptation, plays.length, playAll(learners, parameters, plays), {
    stages: STAGES_AT_START,
  });
}

function playAll(learners: Learners, parameters: Parameters, plays: readonly Play[]) {
  return async (settings: readonly DescentSettings[]): Promise<number[][]> => {
    const played = await learners.play(
      parameters,
      plays.map((play) => ({ ...play, settings })),
    );
    return settings.map((_, s) =>
      played.map((campaign) => campaign[s]!.reduce((sum, { auc }) => sum + auc, 0) / campaign[s]!.length),
    );
  };
}

/** Trials of each campaign, one for each number of seeds; a campaign that is too small for any is left out. */
function playsOf(
  campaigns: readonly CampaignHistory[],
  seedCounts: readonly number[],
  training: readonly CampaignHistory[],
  population: Workspace['population'],
  rng: Rng,
  key: string,
): Play[] {
  return campaigns.flatMap((campaign): Play[] => {
    const drawn = seedCounts.map((seeds) =>
      heldOutTrial(campaign, seeds, training, population, rng.fork(`${campaign.id}/${seeds}`)),
    );
    // a small campaign has the same half of its members as seeds, whatever was asked for
    const trials = drawn.filter(
      (trial, i): trial is Trial => trial !== null && trial.seeds.length !== drawn[i - 1]?.seeds.length,
    );
    return trials.length > 0 ? [{ trials, key: `${key}/${campaign.id}`, settings: [] }] : [];
  });
}

export function drawValidation(
  { population }: Workspace,
  { training, held }: HeldOut,
  { seed, adaptation }: Pick<TrainSettings, 'seed' | 'adaptation'>,
): Validation {
  const rng = createRng(`train/${seed}/trials`);
  const descent = adaptation.optimiser === 'gradient_descent' ? [adaptation] : [];
  const draw = (most: number, seedCounts: readonly number[]): Play[] =>
    playsOf(held.slice(0, most), seedCounts, training, population, rng, `train/${seed}/validation`);
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
      return chooseAdaptation(defaults, plays.length, playAll(learners, parameters, plays), { before });
    },
  };
}
