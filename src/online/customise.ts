/** The online stage of one campaign: from a general model and seeds to a customised model and a quality report. */
import { assert } from '../lib/errors.ts';
import { customiseByAdam } from './customise-adam.ts';
import { customiseHeads, rankHeads } from './customise-heads.ts';
import type { AnyContext, CustomisedModel, CustomiseRequest } from './online-context.ts';
import type { FoldRanks } from './quality/seed-ranks.ts';

/** Adapts the general model to a campaign's seeds. */
export async function customise(context: AnyContext, request: CustomiseRequest): Promise<CustomisedModel> {
  const { program } = context;
  return program.kind === 'adam'
    ? customiseByAdam(context, program.steps, program.settings, request)
    : customiseHeads(context, program.steps, program.settings, request);
}

/** Ranks the held-out seeds of some folds, with gradient descent. */
export async function rankSeedFolds(context: AnyContext, request: CustomiseRequest): Promise<readonly FoldRanks[]> {
  const { program } = context;
  assert(program.kind === 'gradient_descent', 'folds are ranked apart only with gradient descent');
  return rankHeads(context, program.steps, program.settings, request);
}
