/** Opens the model and the population before an engine takes a job. `metaheac doctor` also uses this to test them. */
import { readModelFolder } from '../model/folder.ts';
import { openDevice } from '../model/onnx-grad.ts';
import { EngineModels } from './engine-models.ts';
import { ENGINE_LIMITS } from './limits.ts';
import type { EngineConfig, EngineServed } from './messages.ts';
import { rehearsalOn } from './rehearsal.ts';
import type { SharedVersions } from './shared-versions.ts';
import { type MadeUserSides, makeUserSides } from './user-side-work.ts';

type OpenedFrom = Pick<EngineConfig, 'models' | 'population' | 'threads' | 'device'> &
  Partial<Pick<EngineConfig, 'userSides' | 'isVerified'>> & {
    readonly served: Pick<EngineServed, 'model'> & {
      /** The population to open; null to open only the model. */
      readonly populationVersion: string | null;
    };
  };

/**
 * Loads the model in threads, which reproduce its golden batch and expand a campaign of made-up users. Verifies the
 * population and binds the model to it. `openStore` is called once the population is verified. `served` returns the
 * model that is served at the time of the call. `shared` brings versions to this host; it is closed with the models.
 * @throws AppError invalid_argument, invalid_model, invalid_population, and any error that `openStore` throws
 */
export async function openEngineModels<S>(
  config: OpenedFrom,
  openStore: () => S | Promise<S>,
  {
    served = () => config.served,
    onPopulation,
    shared = null,
  }: {
    readonly served?: () => Pick<EngineServed, 'model'>;
    readonly onPopulation?: (users: number) => void;
    readonly shared?: SharedVersions | null;
  } = {},
): Promise<{ readonly models: EngineModels; readonly device: string; readonly store: S }> {
  const device = await openDevice(config.device);
  const name = device.kind === 'cpu' ? 'cpu' : `cuda:${device.id}`;
  const models = new EngineModels(config, () => served().model, name, onPopulation, shared);
  const { model, populationVersion } = config.served;
  // the threads verify the model while the main thread verifies the population
  const opening = models.take(model.version, model.folder);
  opening.catch(() => {}); // awaited below, unless the population is refused first
  try {
    if (populationVersion !== null) await models.population(populationVersion, config.isVerified);
    const store = await openStore();
    const opened = await opening;
    if (populationVersion !== null) await opened.openPopulation(populationVersion);
    models.giveBack(model.version); // the model stays loaded as the served model
    return { models, device: device.detail, store };
  } catch (error) {
    await models.close();
    throw error;
  }
}

/**
 * Computes and stores the user sides of a population version for a model, that is, the intermediate results of scoring
 * that depend only on users, and the sums of a regression over a large population. Returns null if the model has no
 * user sides or `maximumBytes` is 0. `onProgress` receives the number of finished segments.
 * @throws the errors of `openEngineModels` and `makeUserSides`
 */
export async function storeUserSides(
  config: Omit<OpenedFrom, 'served' | 'models'> & { readonly model: string; readonly populationVersion: string },
  maximumBytes: number,
  onProgress: (done: number, all: number) => void,
): Promise<MadeUserSides | null> {
  if (maximumBytes === 0) return null;
  const { model: folder, populationVersion } = config;
  const version = readModelFolder(folder, { vocabulariesOnly: true }).manifest.version;
  const model = { version, folder };
  const { models } = await openEngineModels(
    { ...config, models: folder, served: { model, populationVersion } },
    () => {},
  );
  try {
    const loaded = await models.take(version, folder);
    const population = await loaded.openPopulation(populationVersion);
    const { segmentCount, rowCount } = population;
    const goOn = (stored: number) => {
      onProgress(stored, segmentCount);
      return true;
    };
    const wanted = { populationVersion, segmentCount, maximumBytes, goOn };
    const made = await makeUserSides(loaded.pool, wanted, { isBackground: false });
    // computes the sums over the population that the first campaign would compute
    if (rowCount >= ENGINE_LIMITS.rehearsedUsers.value)
      await loaded.pool.rehearse({ ...rehearsalOn(population, 0), segments: [] });
    return made;
  } finally {
    await models.close();
  }
}
