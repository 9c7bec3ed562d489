/**
 * Scores the users of a segment with a customised model and a binding. Scoring is a pure function, so segments can be
 * scored anywhere.
 */
import { userSideGraphs } from '../user-side/user-side-graphs.ts';
import { UserSideScorer } from '../user-side/user-side-scorer.ts';
import { GraphScorer, type ScoredModel, type Scorer, type ScorerOptions } from './scored-model.ts';

export type { ScoredCampaign, Scorer, Sharing, UserSides } from './scored-model.ts';

/** Opens the scorer that computes the least: the scorer with user sides, unless the model has no user side. */
export async function openScorer(what: ScoredModel, options: ScorerOptions = {}): Promise<Scorer> {
  const model = { ...what, nameUser: options.nameUser ?? ((userNumber: number) => `user number ${userNumber}`) };
  const { graphs } =
    options.withUserSide === false
      ? { graphs: null }
      : userSideGraphs(what.graph, what.adapted, options.maximumTableBytes);
  return graphs === null ? GraphScorer.open(model, options) : UserSideScorer.open(model, graphs, options);
}
