/** Opens the model and population that an engine needs before it takes a job. `doctor` tries this, too. */
import { openDevice } from '../model/onnx-grad.ts';
import { EngineModels } from './engine-models.ts';
import type { EngineConfig, EngineServed } from './messages.ts';

type OpenedFrom = Pick<EngineConfig, 'models' | 'population' | 'threads' | 'device'> & {
  readonly served: Pick<EngineServed, 'model'> & {
    /** null if only the model is to be opened. */
    readonly populationVersion: string | null;
  };
};

/**
 * Loads the model in threads, which reproduce its golden batch and expand a campaign of made-up users, and binds it to
 * the verified population. `openStore` is called once the population is verified. `served` returns the model that is
 * served at that moment.
 * @throws AppError invalid_argument, invalid_model, invalid_population, and whatever `openStore` throws
 */
export async function openEngineModels<S>(
  config: OpenedFrom,
  openStore: () => S,
  {
    served = () => config.served,
    onPopulation,
  }: { readonly served?: () => Pick<EngineServed, 'model'>; readonly onPopulation?: (users: number) => void } = {},
): Promise<{ readonly models: EngineModels; readonly device: string; readonly store: S }> {
  const device = await openDevice(config.device);
  const name = device.kind === 'cpu' ? 'cpu' : `cuda:${device.id}`;
  const models = new EngineModels(config, () => served().model, name, onPopulation);
  const { model, populationVersion } = config.served;
  // the threads verify the model while the population is verified
  const opening = models.take(model.version, model.folder);
  opening.catch(() => {}); // awaited below, unless the population is refused first
  try {
    if (populationVersion !== null) await models.population(populationVersion);
    const store = openStore();
    const opened = await opening;
    if (populationVersion !== null) await opened.openPopulation(populationVersion);
    models.giveBack(model.version); // it stays loaded as the served one
    return { models, device: device.detail, store };
  } catch (error) {
    await models.close();
    throw error;
  }
}
