/**
 * Checks a model in an engine that serves another model. Both models expand the same campaigns, without publishing
 * audiences.
 */
import { AppError, messageOf } from '../../lib/errors.ts';
import { ThreadDied } from '../../lib/threads/thread-group.ts';
import type { EngineModels } from '../engine-models.ts';
import type { CheckedModel, CheckModelTask, EngineServed } from '../messages.ts';
import { compareOn, type ShadowComparison, type ShadowDependencies } from './shadow.ts';

export interface CheckDependencies extends Omit<ShadowDependencies, 'population'> {
  readonly models: Pick<EngineModels, 'take' | 'giveBack'>;
  /** The served model that the checked model is compared with, and the population. */
  readonly served: EngineServed;
}

/**
 * Loads the model in its own threads, which verify the model with its golden batch. Binds the model to the served
 * population, and expands the campaigns with both models. Other expansions continue meanwhile. The caller must give the
 * model back, unless this function throws.
 * @throws AppError invalid_model, model_rejected (facts: campaign_id), and any error that the threads throw
 */
export async function checkModel(
  { version, folder, campaigns }: CheckModelTask,
  { models, served: { model, populationVersion }, ...dependencies }: CheckDependencies,
): Promise<CheckedModel> {
  const fresh = await models.take(version, folder);
  try {
    const population = await fresh.openPopulation(populationVersion);
    const comparisons: ShadowComparison[] = [];
    for (const campaign of campaigns) {
      const served = await models.take(model.version, model.folder);
      try {
        await served.openPopulation(populationVersion);
        const comparison = await compareOn(campaign, { served, fresh }, { ...dependencies, population });
        if (comparison !== null) comparisons.push(comparison);
      } catch (error) {
        if (error instanceof ThreadDied) throw error;
        const message = `campaign ${campaign.campaignId} cannot be expanded with the model: ${messageOf(error)}`;
        throw new AppError('model_rejected', message, { facts: { campaign_id: campaign.campaignId }, cause: error });
      } finally {
        models.giveBack(model.version);
      }
    }
    return { populationVersion, comparisons };
  } catch (error) {
    models.giveBack(version);
    throw error;
  }
}
