/** Choice of logistic regression's L2 strength on train campaigns, never on test ones. */
import { type Rng, sampleWithoutReplacement, shuffle } from '../lib/rng.ts';
import { drawTask, logisticScorer } from './baselines.ts';
import type { CampaignHistory } from './history.ts';
import { fitLogisticRegression, type LogisticModel } from './logistic-regression.ts';
import { measureRanking } from './metrics.ts';
import type { OneHot } from './one-hot.ts';

/** What was tried and what was taken. */
export interface StrengthChoice {
  /** scikit-learn's C. */
  readonly strength: number;
  /** Mean AUC of every strength tried, ascending; empty where no campaign could be simulated. */
  readonly tried: readonly { readonly strength: number; readonly auc: number }[];
}

const STRENGTHS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3, 1];
const SEED_COUNTS = [50, 200];
/** Train campaigns that are simulated: more make the choice no better and cost time. */
const SIMULATED_CAMPAIGNS = 24;
/** Where no train campaign can be simulated. */
const DEFAULT_STRENGTH = 0.1;

/**
 * Plays expansions on up to 24 train campaigns drawn by `rng`: 50 or 200 of the members in turn (at most half of them) are seeds, negatives are
 * drawn as online, and the AUC is taken over the campaign's other rows. The strength with the best mean AUC wins; of equals the smaller.
 */
export function chooseStrength(oneHot: OneHot, campaigns: readonly CampaignHistory[], rng: Rng): StrengthChoice {
  const order = Int32Array.from(campaigns.keys());
  shuffle(rng.fork('campaigns'), order);
  const sums = new Float64Array(STRENGTHS.length);
  let played = 0;
  for (const i of order) {
    if (played === SIMULATED_CAMPAIGNS) break;
    const campaign = campaigns[i]!;
    const game =
      campaign.split === 'train'
        ? simulate(campaign, SEED_COUNTS[played % SEED_COUNTS.length]!, rng.fork(campaign.id))
        : null;
    if (game === null) continue;
    played++;
    const task = drawTask(oneHot, game.seeds, rng.fork(`${campaign.id}/negatives`));
    let model: LogisticModel | undefined;
    for (let s = 0; s < STRENGTHS.length; s++) {
      model = fitLogisticRegression(task.rows, task.labels, STRENGTHS[s]!, model);
      sums[s]! += measureRanking(game.users, logisticScorer(oneHot, task, model)(game.users), game.labels).auc;
    }
  }
  if (played === 0) return { strength: DEFAULT_STRENGTH, tried: [] };
  const tried = STRENGTHS.map((strength, s) => ({ strength, auc: sums[s]! / played }));
  return { strength: tried.reduce((a, b) => (b.auc > a.auc ? b : a)).strength, tried };
}

/** Seeds by lot, and the rows of everybody else; null where these would not hold both labels. */
function simulate(
  campaign: CampaignHistory,
  seedCount: number,
  rng: Rng,
): { seeds: Int32Array; users: Int32Array; labels: Uint8Array } | null {
  const { users, labels } = campaign.train;
  const members = Int32Array.from(new Set(users.filter((_, i) => labels[i] === 1)));
  const drawn = sampleWithoutReplacement(rng, members.length, Math.min(seedCount, Math.floor(members.length / 2)));
  if (drawn.length === 0) return null;
  const seeds = Int32Array.from(drawn, (i) => members[i]!);
  const isSeed = new Set(seeds);
  const isRest = (_: number, i: number): boolean => !isSeed.has(users[i]!);
  const rest = { users: users.filter(isRest), labels: labels.filter(isRest) };
  return rest.labels.includes(0) ? { seeds, ...rest } : null;
}
