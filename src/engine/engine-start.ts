/** Opens what an engine needs before it takes a job, or refuses: `serve` starts with it, and `doctor` tries it. */
import { openDevice } from '../model/onnx-grad.ts';
import { EngineModels } from './engine-models.ts';
import type { EngineConfig, EngineServed } from './messages.ts';

type OpenedFrom = Pick<EngineConfig, 'models' | 'population' | 'threads' | 'device'> & {
  readonly served: Pick<EngineServed, 'model'> & {
    /** null: only the model is opened. */
    readonly populationVersion: string | null;
  };
};

/**
 * Loads the model in threads, which reproduce its golden batch and expand a campaign of made-up users, and binds it to
 * the verified population. `openStore` is called between, where there is something to open. `served` tells what
 * is served by then.
 * @throws AppError invalid_argument, invalid_model, invalid_population, and what `openStore` throws
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
  // verified at the same time, by threads of their own
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
