/** Choice of a method's setting on train campaigns, never on test ones. */
import { type Rng, shuffle } from '../lib/rng.ts';
import type { Setting, TunableMethod } from './baselines.ts';
import type { CampaignHistory } from './history.ts';
import { measureRanking } from './metrics.ts';
import { simulateTrial } from './trial.ts';

/** What was tried and what was taken. */
export interface SettingChoice<S extends Setting = Setting> {
  readonly setting: S;
  /** Mean AUC of every setting of the grid; empty where no campaign could be simulated. */
  readonly tried: readonly { readonly setting: S; readonly auc: number }[];
}

const SEED_COUNTS = [50, 200];
/** Train campaigns that are simulated: more make the choice no better and cost time. */
const SIMULATED_CAMPAIGNS = 24;

/**
 * Plays expansions on up to 24 train campaigns drawn by `rng`: 50 or 200 of the members in turn (at most half of them) are seeds, what is random is
 * drawn as in an evaluation, and the AUC is taken over the campaign's other rows. The setting with the best mean AUC wins; of equals the first.
 * Equal streams play the same expansions, whatever the method. `ownColumnOf` gives the token that names a campaign's members, -1 for none: it is
 * left out of all users while the campaign is played, since no campaign of tomorrow has such a token.
 */
export function chooseSetting<S extends Setting>(
  method: TunableMethod<S>,
  campaigns: readonly CampaignHistory[],
  rng: Rng,
  ownColumnOf: (campaign: string) => number = () => -1,
): SettingChoice<S> {
  const { grid, fallback } = method;
  const train = campaigns.filter(({ split }) => split === 'train');
  const order = Int32Array.from(train.keys());
  shuffle(rng.fork('campaigns'), order);
  const sums = new Float64Array(grid.length);
  let played = 0;
  for (const i of order) {
    if (played === SIMULATED_CAMPAIGNS) break;
    const { id } = train[i]!;
    const trial = simulateTrial(train[i]!, SEED_COUNTS[played % SEED_COUNTS.length]!, rng.fork(id));
    if (trial === null) continue;
    played++;
    const { users, labels } = trial.evaluation;
    const seedSet = { seeds: trial.seeds, ignored: ownColumnOf(id) };
    let at = 0;
    for (const score of method.scorers(seedSet, rng.fork(`${id}/negatives`), grid))
      sums[at++]! += measureRanking(users, score(users), labels).auc;
  }
  if (played === 0) return { setting: fallback, tried: [] };
  const tried = grid.map((setting, i) => ({ setting, auc: sums[i]! / played }));
  return { setting: tried.reduce((a, b) => (b.auc > a.auc ? b : a)).setting, tried };
}
