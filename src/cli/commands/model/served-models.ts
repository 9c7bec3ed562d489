/** `metaheac model list` and `rollback`, and reports on the switch to another model. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Output } from '../../../lib/output.ts';
import { ServiceClient } from './service-client.ts';

export interface ServiceOptions {
  readonly url: string;
  readonly key?: string | undefined;
  readonly json?: boolean;
}

/** Polling interval while a model is checked. */
const POLL_MS = 200;
/** Exit code if the served model did not change. */
export const NOT_SERVED = 3;

/** The part of the API response that is printed. */
export interface Model {
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

export async function modelListCommand(options: ServiceOptions, output: Output): Promise<void> {
  const client = new ServiceClient(options.url, options.key, output);
  const { items } = await client.call<{ readonly items: readonly Model[] }>('GET', '/v1/models');
  if (options.json) output.result(JSON.stringify({ items }));
  else
    for (const { served, version, published_at, name } of items)
      output.result(`${served ? '*' : ' '} ${version}  ${published_at}  ${name}`);
}

export async function modelRollbackCommand(options: ServiceOptions & { from?: string }, output: Output): Promise<void> {
  const client = new ServiceClient(options.url, options.key, output);
  const from = options.from ?? (await client.call<Model>('GET', '/v1/models/current')).version;
  const asked = await client.call<Model>('POST', `/v1/models/${encodeURIComponent(from)}/rollback`);
  report(await settled(client, asked, output), options, output);
}

/** Waits until the check of the model has ended, and returns the model. */
export async function settled(client: ServiceClient, asked: Model, output: Output): Promise<Model> {
  let model = asked;
  while (model.check?.state === 'checking') {
    output.progress(`comparing model ${model.version} with the served model ${model.check.from_version}`);
    await sleep(POLL_MS);
    model = await client.call<Model>('GET', `/v1/models/${model.version}`);
  }
  return model;
}

export function report(model: Model, { json }: { json?: boolean }, output: Output): void {
  if (json) output.result(JSON.stringify(model));
  else for (const line of describe(model)) output.result(line);
  if (!model.served) process.exitCode = NOT_SERVED;
}

function describe({ version, served, check }: Model): string[] {
  if (served && check === null) return [`model ${version} is already served`];
  if (check === null) return [`model ${version} is not served: the service was restarted during the check`];
  const lines = check.comparisons.map(
    ({ campaign_id, overlap, served, fresh }) =>
      `campaign ${campaign_id}: overlap ${Object.entries(overlap)
        .map(([share, part]) => `${part.toFixed(3)} at ${Number(share) * 100} %`)
        .join(', ')}\n  served ${describeQuality(served)}\n  new    ${describeQuality(fresh)}`,
  );
  if (served) return [...lines, `model ${version} is served in place of ${check.from_version}`];
  const { code, message } = check.reason ?? { code: 'unknown', message: 'see the log of the service' };
  return [...lines, `the model was refused and nothing has changed: ${message} (${code})`];
}

function describeQuality({ verdict, auc, recall_at_5_percent: recall }: Quality): string {
  const text = (value: number | null) => (value === null ? 'unknown' : value.toFixed(3));
  return `predicted AUC ${text(auc)}, recall@5% ${text(recall)}, ${verdict ?? 'no verdict'}`;
}
