/** `metaheac model promote`. */
import { join, resolve } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import { createFolder, withStorage } from '../../../lib/files/durable-files.ts';
import { awaitFileLock } from '../../../lib/files/file-lock.ts';
import type { Output } from '../../../lib/output.ts';
import { readModelFolder } from '../../../model/folder.ts';
import {
  MODELS_FOLDER,
  publishModel,
  readServedModels,
  removeModel,
  writeServedModels,
} from '../../../model/versions.ts';
import { loadTestedModel } from '../../../online/test-expansion.ts';
import { locateStore, lockStore } from '../../../storage/open-store.ts';
import { type Model, NOT_SERVED, report, type ServiceOptions, settled } from './served-models.ts';
import { ServiceClient } from './service-client.ts';

const PROMOTE_LOCK = 'promote.lock';
/** How long another promotion may take to copy a model. */
const LOCK_WAIT_MS = 30_000;

/**
 * Verifies the model as the service would, copies it into the data folder, and has the service at `url` check and serve
 * it; without a URL, the next service that starts there serves it. Exit code 0: served; 3: the old model stays.
 */
export async function modelPromoteCommand(
  dir: string,
  options: Partial<ServiceOptions> & { dataDir: string },
  output: Output,
): Promise<void> {
  const { manifest } = (await loadTestedModel(dir)).model;
  const { version } = manifest;
  const models = join(options.dataDir, MODELS_FOLDER);
  if (options.url === undefined) {
    await promoteOffline(dir, models, version, options, output);
    return;
  }
  const client = new ServiceClient(options.url, options.key, output);
  await client.call('GET', '/v1/models');
  await publishVerified(models, dir, version);
  const asked = await activate(client, version);
  // a model that cannot fit is refused at once, without a check
  if (typeof asked === 'string') {
    if (options.json) output.result(JSON.stringify({ version, served: false, refusal: asked }));
    else output.result(`the promotion was refused and nothing has changed: ${asked}`);
    process.exitCode = NOT_SERVED;
    return;
  }
  report(await settled(client, asked, output), options, output);
}

/** The model that is being checked, or the reason why none is. */
async function activate(client: ServiceClient, version: string): Promise<Model | string> {
  try {
    return await client.call<Model>('POST', `/v1/models/${version}/activate`);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { problem, detail } = error.facts;
    if (problem === 'model_rejected') return `${String(detail)} (${problem})`;
    throw error;
  }
}

/**
 * Makes a copy whose files have the checksums of the manifest; a damaged copy is replaced. Only one promotion copies at
 * a time, so that none finds a partial copy. @throws AppError unavailable, invalid_model, storage_failed
 */
async function publishVerified(models: string, dir: string, version: string): Promise<void> {
  withStorage(`create the folder ${models}`, () => createFolder(resolve(models)));
  const unlock = await awaitFileLock(join(models, PROMOTE_LOCK), LOCK_WAIT_MS);
  if (unlock === null)
    throw new AppError(
      'unavailable',
      `another promotion into ${models} is running: try again when that promotion has ended`,
    );
  try {
    readModelFolder(await publishModel(models, dir));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'invalid_model') throw error;
    await removeModel(models, version);
    readModelFolder(await publishModel(models, dir));
  } finally {
    unlock();
  }
}

async function promoteOffline(
  dir: string,
  models: string,
  version: string,
  { dataDir, json }: { dataDir: string; json?: boolean },
  output: Output,
): Promise<void> {
  const unlock = lockOrExplain(dataDir);
  try {
    await publishVerified(models, dir, version);
    const stored = readServedModels(models) ?? { base: null, history: [] };
    if (stored.history.at(-1)?.version !== version) {
      const activated_at = new Date(systemClock.now()).toISOString();
      const history = [...stored.history, { version, activated_at, check: null }];
      writeServedModels(models, { base: stored.base, history });
    }
  } finally {
    unlock();
  }
  if (json) output.result(JSON.stringify({ version, served: false }));
  else
    output.result(
      `model ${version} is in ${models}: a service on ${dataDir} serves it from its next start, without a comparison`,
    );
}

function lockOrExplain(dataDir: string): () => void {
  try {
    return lockStore(locateStore(dataDir));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    throw new AppError('unavailable', `a service runs on ${dataDir}: name its address with --url`, { cause: error });
  }
}
