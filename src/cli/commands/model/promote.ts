/** `metaheac model promote`. */
import { join } from 'node:path';
import { systemClock } from '../../../lib/clock.ts';
import { AppError } from '../../../lib/errors.ts';
import type { Output } from '../../../lib/output.ts';
import { publishVerified, recordPromotion } from '../../../model/promotion.ts';
import { MODELS_FOLDER } from '../../../model/versions.ts';
import { loadTestedModel } from '../../../online/test-expansion.ts';
import { locateStore, lockStore } from '../../../storage/open-store.ts';
import { type Model, NOT_SERVED, report, type ServiceOptions, settled } from './served-models.ts';
import { ServiceClient } from './service-client.ts';

/**
 * Verifies the model as the service would, copies it into the data folder, and has the service at `url` check and serve
 * it. Without a URL, the next service to start on that folder serves the model. Exit code 0: the model was promoted; 3:
 * the old model stays.
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
  await publishVerified(models, dir);
  const asked = await activate(client, version);
  // the service refuses an incompatible model at once, without a check
  if (typeof asked === 'string') {
    if (options.json) output.result(JSON.stringify({ version, served: false, refusal: asked }));
    else output.result(`the promotion was refused and nothing has changed: ${asked}`);
    process.exitCode = NOT_SERVED;
    return;
  }
  report(await settled(client, asked, output), options, output);
}

/** Returns the model whose check has started, or the reason why it was refused. */
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

async function promoteOffline(
  dir: string,
  models: string,
  version: string,
  { dataDir, json }: { dataDir: string; json?: boolean },
  output: Output,
): Promise<void> {
  const unlock = await lockOrExplain(dataDir);
  try {
    await publishVerified(models, dir);
    recordPromotion(models, version, systemClock.now());
  } finally {
    unlock();
  }
  if (json) output.result(JSON.stringify({ version, served: false }));
  else
    output.result(
      `model ${version} is in ${models}: a service on ${dataDir} will serve it after its next restart, without comparing it first`,
    );
}

async function lockOrExplain(dataDir: string): Promise<() => void> {
  try {
    return await lockStore(locateStore(dataDir));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    throw new AppError('unavailable', `a service is using ${dataDir}: name the service's address with --url`, {
      cause: error,
    });
  }
}
