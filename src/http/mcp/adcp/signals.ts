/**
 * `activate_signal`: an expansion, whose audience ad servers look up by the id of the campaign. The members of the
 * account's suppression audiences are excluded.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { assert } from '../../../lib/errors.ts';
import { ACCOUNT_LABEL, account, accountIdOf } from './account.ts';
import { type Api, type CampaignFields, listCampaigns } from './api.ts';
import {
  audiencesOf,
  DEFAULT_PERCENT,
  externalIdOf,
  idempotencyKey,
  type Served,
  type SetReport,
  TYPE_LABEL,
} from './audiences.ts';
import { readSignal, signalOfAudience } from './catalogue.ts';
import { type Destination, deploymentOf, destination, digest, labelOf, placeOf } from './deployments.ts';
import { AdcpFault } from './fault.ts';

/** Number of users with a feature value that are the seeds of its look-alikes. */
const SAMPLE_USERS = 1_000;
/** How long an activation waits for its audience; a longer one ends without an activation key. */
const WAIT_MS = 20_000;
const POLL_MS = 100;

export const activateSignalInput = z.looseObject({
  account: account.optional(),
  action: z.enum(['activate', 'deactivate']).default('activate'),
  signal_agent_segment_id: z.string().min(1),
  destinations: z.array(destination).min(1),
  pricing_option_id: z.string().optional(),
  audience_expansion: z.boolean().optional(),
  modeling: z
    .looseObject({
      method: z.string(),
      seed_source: z.union([z.string(), z.looseObject({ audience_id: z.string() })]).optional(),
      expansion_percent: z.number().positive().max(100).optional(),
    })
    .optional(),
  idempotency_key: idempotencyKey,
});

export async function activateSignal(
  api: Api,
  { account: given, signal_agent_segment_id: id, destinations, action, ...rest }: z.output<typeof activateSignalInput>,
  served: Served,
) {
  const { audience_expansion: expands, modeling, pricing_option_id: price, idempotency_key: key } = rest;
  if (expands === false)
    throw new AdcpFault('UNSUPPORTED_FEATURE', 'all signals are look-alikes: audience_expansion must be true');
  if (modeling !== undefined && modeling.method !== 'lookalike')
    throw new AdcpFault('UNSUPPORTED_FEATURE', `the method ${modeling.method} is not supported: use lookalike`);
  if (price !== undefined && !served.prices.some((own) => own.id === price))
    throw new AdcpFault('INVALID_REQUEST', `there is no pricing option ${price}`, { field: 'pricing_option_id' });
  const accountId = accountIdOf(given, served.labels);
  const source = modeling?.seed_source;
  const seeds = source === undefined ? id : signalOfAudience(typeof source === 'string' ? source : source.audience_id);
  const found = await findCampaign(api, accountId, seeds);
  if (action === 'deactivate') {
    if (found !== null) await mark(api, found, destinations, false);
    return { deployments: destinations.map((to) => ({ ...placeOf(to), is_live: false })) };
  }
  if (found !== null) await refuseSmall(api, found, served);
  const campaign = await mark(api, found ?? (await createLookalike(api, accountId, seeds, served)), destinations, true);
  await suppress(api, accountId, campaign.id, served);
  const percent = modeling?.expansion_percent;
  if (percent !== undefined) await api.send('PATCH', `/v1/campaigns/${campaign.id}`, { audience: { percent } });
  const started = await api.get<CampaignFields>(`/v1/campaigns/${campaign.id}`);
  if (started.needs_expansion || started.state === null)
    await api.send(
      'POST',
      `/v1/campaigns/${campaign.id}/expansions`,
      undefined,
      `adcp-${digest(`${key} ${campaign.id}`)}`,
    );
  const ready = await waitForEnd(api, campaign.id);
  return {
    deployments: destinations.map((to) => deploymentOf(to, ready)),
    ext: { metaheac: await evidenceOf(api, ready) },
  };
}

/** @throws AdcpFault AUDIENCE_TOO_SMALL */
async function refuseSmall(
  api: Api,
  { id, labels }: CampaignFields,
  { minimum }: Pick<Served, 'minimum'>,
): Promise<void> {
  if (labels[TYPE_LABEL] === undefined) return;
  const { known } = await api.get<SetReport>(`/v1/campaigns/${id}/seeds`);
  if (known < minimum)
    throw new AdcpFault(
      'AUDIENCE_TOO_SMALL',
      `${known} members of the audience are users; at least ${minimum} are needed`,
    );
}

/** The campaign of a signal's audience, or of a feature value that was activated before. @throws AdcpFault */
async function findCampaign(api: Api, accountId: string, id: string): Promise<CampaignFields | null> {
  const signal = readSignal(id);
  const own = 'audience' in signal ? signal.audience : id;
  const query = { external_id: externalIdOf(accountId, own), label: `${ACCOUNT_LABEL}=${accountId}` };
  const [found] = await listCampaigns(api, query);
  if (found !== undefined && found.labels[TYPE_LABEL] !== 'suppression') return found;
  if ('feature' in signal) return null;
  throw new AdcpFault('SIGNAL_NOT_FOUND', `there is no signal ${id}`, { field: 'signal_agent_segment_id' });
}

/** Creates the campaign of the look-alikes of a feature value. */
async function createLookalike(
  api: Api,
  accountId: string,
  id: string,
  { labels }: Pick<Served, 'labels'>,
): Promise<CampaignFields> {
  const signal = readSignal(id);
  assert('feature' in signal, 'only the campaign of a feature value may be missing');
  const { feature, value } = signal;
  const query = new URLSearchParams({ feature, value, size: String(SAMPLE_USERS) });
  const sample = await api.get<{ readonly user_ids: readonly string[] }>(`/v1/populations/current/sample?${query}`);
  if (sample.user_ids.length === 0) throw new AdcpFault('SIGNAL_NOT_FOUND', `there is no signal ${id}`);
  return api.send('POST', '/v1/campaigns', {
    name: `Like users with ${feature} ${value}`.slice(0, 200),
    external_id: externalIdOf(accountId, id),
    labels: { ...labels, [ACCOUNT_LABEL]: accountId },
    seeds: sample.user_ids,
    audience: { percent: DEFAULT_PERCENT },
  });
}

/** Makes the members of the account's suppression audiences the suppression list of a campaign. */
async function suppress(
  api: Api,
  accountId: string,
  id: string,
  { membersOf }: Pick<Served, 'membersOf'>,
): Promise<void> {
  const suppressing: string[] = [];
  for (const audience of await audiencesOf(api, accountId)) {
    if (audience.labels[TYPE_LABEL] !== 'suppression' || audience.id === id) continue;
    const { users } = await api.get<SetReport>(`/v1/campaigns/${audience.id}/seeds`);
    if (users > 0) suppressing.push(audience.id);
  }
  const url = `/v1/campaigns/${id}/suppression`;
  await (suppressing.length === 0 ? api.send('DELETE', url) : api.upload('PUT', url, await membersOf(suppressing)));
}

/** Adds the destinations to the labels of a campaign, or removes them. */
async function mark(
  api: Api,
  campaign: CampaignFields,
  destinations: readonly Destination[],
  isLive: boolean,
): Promise<CampaignFields> {
  const labels = Object.fromEntries(
    Object.entries(campaign.labels).filter(([key]) => !destinations.some((to) => labelOf(to) === key)),
  );
  if (isLive) for (const to of destinations) labels[labelOf(to)] = JSON.stringify(placeOf(to));
  return api.send('PATCH', `/v1/campaigns/${campaign.id}`, { labels });
}

async function waitForEnd(api: Api, id: string): Promise<CampaignFields> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const campaign = await api.get<CampaignFields>(`/v1/campaigns/${id}`);
    if (campaign.state === 'too_small')
      throw new AdcpFault('AUDIENCE_TOO_SMALL', 'too few members of the audience are in the population');
    if (campaign.state === 'failed')
      throw new AdcpFault('SERVICE_UNAVAILABLE', 'the expansion failed', { recovery: 'transient' });
    if (campaign.state === 'ready' || performance.now() > end) return campaign;
    await sleep(POLL_MS);
  }
}

interface Quality {
  readonly verdict: string | null;
  readonly reason: string;
  readonly auc: object | null;
  readonly curve: readonly { readonly size: number }[];
}

/** What an audience is predicted to be worth, with intervals, and its receipt. */
async function evidenceOf(api: Api, { id, audience_version: version, size }: CampaignFields): Promise<object> {
  if (version === null || size === null) return { campaign_id: id };
  const { verdict, reason, auc, curve } = await api.get<Quality>(`/v1/campaigns/${id}/quality`);
  const atSize = curve.find((point) => point.size >= size) ?? null;
  const receipt = await api.get(`/v1/campaigns/${id}/audiences/${version}/receipt`);
  return {
    campaign_id: id,
    audience_version: version,
    size,
    quality: { verdict, reason, auc, at_size: atSize },
    receipt,
  };
}
