/** `metaheac model promote`, `list` and `rollback`. */
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
import { ServiceClient } from './service-client.ts';

interface ServiceOptions {
  url: string;
  json?: boolean;
}

const PROMOTE_LOCK = 'promote.lock';
/** What another promotion may take to copy a model. */
const LOCK_WAIT_MS = 30_000;
/** How often the check of a model is looked at. */
const POLL_MS = 200;
/** The exit code where the served model stays. */
const NOT_SERVED = 3;

/** The part of the API's answer that is printed. */
interface Model {
  readonly version: string;
  readonly name: string;
  readonly served: boolean;
  readonly published_at: string;
  readonly check: {
    readonly state: 'checking' | 'served' | 'refused';
    readonly from_version: string;
    readonly reason: { readonly code: string; readonly message: string } | null;
    readonly comparisons: readonly Comparison[];
  } | null;
}

interface Quality {
  readonly verdict: string | null;
  readonly auc: number | null;
  readonly recall_at_5_percent: number | null;
}

interface Comparison {
  readonly campaign_id: string;
  readonly overlap: Readonly<Record<string, number>>;
  readonly served: Quality;
  readonly fresh: Quality;
}

/**
 * Verifies the model as the service would, copies it into the data folder, and has the service at `url` check and serve
 * it; without one, the next service that starts there does. Exit code 0: it is served; 3: the old one stays.
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
  const client = new ServiceClient(options.url, process.env['METAHEAC_API_KEY'], output);
  await client.call('GET', '/v1/models');
  await publishVerified(models, dir, version);
  const asked = await activate(client, version);
  // what cannot fit is refused at once, without a check
  if (typeof asked === 'string') {
    if (options.json) output.result(JSON.stringify({ version, served: false, refusal: asked }));
    else output.result(`refused, and nothing has changed: ${asked}`);
    process.exitCode = NOT_SERVED;
    return;
  }
  report(await settled(client, asked, output), options, output);
}

/** The model that is checked now, or why it is not. */
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

export async function modelListCommand(options: ServiceOptions, output: Output): Promise<void> {
  const client = new ServiceClient(options.url, process.env['METAHEAC_API_KEY'], output);
  const { items } = await client.call<{ readonly items: readonly Model[] }>('GET', '/v1/models');
  if (options.json) output.result(JSON.stringify({ items }));
  else
    for (const { served, version, published_at, name } of items)
      output.result(`${served ? '*' : ' '} ${version}  ${published_at}  ${name}`);
}

export async function modelRollbackCommand(options: ServiceOptions & { from?: string }, output: Output): Promise<void> {
  const client = new ServiceClient(options.url, process.env['METAHEAC_API_KEY'], output);
  const from = options.from ?? (await client.call<Model>('GET', '/v1/models/current')).version;
  const asked = await client.call<Model>('POST', `/v1/models/${encodeURIComponent(from)}/rollback`);
  report(await settled(client, asked, output), options, output);
}

/**
 * A copy whose files have the sums of the manifest; one that was damaged is made again. One promotion copies at a time:
 * another must not find half of that. @throws AppError unavailable, invalid_model, storage_failed
 */
async function publishVerified(models: string, dir: string, version: string): Promise<void> {
  withStorage(`create the folder ${models}`, () => createFolder(resolve(models)));
  const unlock = await awaitFileLock(join(models, PROMOTE_LOCK), LOCK_WAIT_MS);
  if (unlock === null)
    throw new AppError('unavailable', `another promotion into ${models} is running: try again when it has ended`);
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
    output.result(`model ${version} is in ${models}: the next service on ${dataDir} serves it, without a comparison`);
}

function lockOrExplain(dataDir: string): () => void {
  try {
    return lockStore(locateStore(dataDir));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    throw new AppError('unavailable', `a service runs on ${dataDir}: name its address with --url`, { cause: error });
  }
}

/** The model once its check has ended. */
async function settled(client: ServiceClient, asked: Model, output: Output): Promise<Model> {
  let model = asked;
  while (model.check?.state === 'checking') {
    output.progress(`checking ${model.version} beside ${model.check.from_version}`);
    await sleep(POLL_MS);
    model = await client.call<Model>('GET', `/v1/models/${model.version}`);
  }
  return model;
}

function report(model: Model, { json }: { json?: boolean }, output: Output): void {
  if (json) output.result(JSON.stringify(model));
  else for (const line of describe(model)) output.result(line);
  if (!model.served) process.exitCode = NOT_SERVED;
}

function describe({ version, served, check }: Model): string[] {
  if (served && check === null) return [`model ${version} is served already`];
  if (check === null) return [`model ${version} is not served: the service was started again meanwhile`];
  const lines = check.comparisons.map(
    ({ campaign_id, overlap, served, fresh }) =>
      `campaign ${campaign_id}: overlap ${Object.entries(overlap)
        .map(([share, part]) => `${part.toFixed(3)} at ${Number(share) * 100} %`)
        .join(', ')}\n  served ${describeQuality(served)}\n  new    ${describeQuality(fresh)}`,
  );
  if (served) return [...lines, `model ${version} is served, before it ${check.from_version}`];
  const { code, message } = check.reason ?? { code: 'unknown', message: 'see the log of the service' };
  return [...lines, `refused, and nothing has changed: ${message} (${code})`];
}

function describeQuality({ verdict, auc, recall_at_5_percent: recall }: Quality): string {
  const text = (value: number | null) => (value === null ? 'unknown' : value.toFixed(3));
  return `predicted AUC ${text(auc)}, recall@5% ${text(recall)}, ${verdict ?? 'no verdict'}`;
}
