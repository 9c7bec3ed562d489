/** The online stage of one campaign: from a general model and seeds to a customised model and a quality report. */
import { customiseByAdam } from './customise-adam.ts';
import { customiseHeads } from './customise-heads.ts';
import type { AnyContext, CustomisedModel, CustomiseRequest } from './online-context.ts';

/** Adapts the general model to a campaign's seeds. */
export async function customise(context: AnyContext, request: CustomiseRequest): Promise<CustomisedModel> {
  const { program } = context;
  return program.kind === 'adam'
    ? customiseByAdam(context, program.steps, program.settings, request)
    : customiseHeads(context, program.steps, program.settings, request);
}
