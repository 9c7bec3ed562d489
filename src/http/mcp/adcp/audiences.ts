/**
 * `sync_audiences`: audiences of an account as campaigns whose seeds are the members. The members of a suppression
 * audience are excluded from the other audiences when these are activated.
 */
import { z } from 'zod';
import type { SignalPrice } from '../../../domain/types.ts';
import type { Population } from '../../../service/ports/populations.ts';
import { ACCOUNT_LABEL, account, accountIdOf } from './account.ts';
import { type Api, type CampaignFields, listCampaigns } from './api.ts';
import { AdcpFault } from './fault.ts';
import { idsToAdd, idsToRemove, idTypeOf, type Member, member } from './members.ts';

/** The label that holds the type of an audience, and marks campaigns that are audiences. */
export const TYPE_LABEL = 'adcp_audience_type';
const TAGS_LABEL = 'adcp_tags';

/** Percentage of the population in a look-alike audience, if nothing else is asked for. */
export const DEFAULT_PERCENT = 5;

const audience = z.looseObject({
  audience_id: z.string().min(1).max(128),
  name: z.string().min(1).max(200).optional(),
  description: z.string().optional(),
  audience_type: z.enum(['crm', 'suppression', 'lookalike_seed']).optional(),
  tags: z.array(z.string().min(1)).optional(),
  add: z.array(member).min(1).optional(),
  remove: z.array(member).min(1).optional(),
  delete: z.boolean().optional(),
  consent_basis: z.enum(['consent', 'legitimate_interest', 'contract', 'legal_obligation']).optional(),
});

export const idempotencyKey = z.string().regex(/^[A-Za-z0-9_.:-]{16,255}$/);

export const syncAudiencesInput = z.looseObject({
  account: account.optional(),
  audiences: z.array(audience).min(1).optional(),
  delete_missing: z.boolean().optional(),
  idempotency_key: idempotencyKey,
});

type Audience = z.output<typeof audience>;
type Wanted = Pick<z.output<typeof syncAudiencesInput>, 'account' | 'audiences' | 'delete_missing'>;

/** What the tools need besides the API. */
export interface Served {
  /** Labels that every campaign of the agent has. */
  readonly labels: Readonly<Record<string, string>>;
  readonly population: Pick<Population, 'directory' | 'rowOf'>;
  /** Minimum number of matched members. */
  readonly minimum: number;
  /** Prices of signals, from which buyers choose. */
  readonly prices: readonly SignalPrice[];
  /** The ids of the members of audiences, one per line, in pieces. */
  membersOf(campaignIds: readonly string[]): Promise<Iterable<string>>;
}

/** The match report of a set of users. */
export interface SetReport {
  readonly users: number;
  readonly known: number;
  readonly updated_at: string;
  readonly identifiers?: readonly {
    readonly type: string;
    readonly users: number;
    readonly known: number;
  }[];
}

/** The result of one audience. */
export type AudienceResult = Readonly<Record<string, unknown>> & {
  readonly audience_id: string;
  readonly action: string;
};

const prefixOf = (accountId: string) => `adcp:${accountId}:`;

/** The external id of the campaign of an audience. */
export function externalIdOf(accountId: string, audienceId: string): string {
  return `${prefixOf(accountId)}${audienceId}`;
}

/** All audiences of an account. */
export async function audiencesOf(api: Api, accountId: string): Promise<(CampaignFields & { audienceId: string })[]> {
  const campaigns = await listCampaigns(api, { label: `${ACCOUNT_LABEL}=${accountId}` });
  return campaigns
    .filter(({ labels, external_id }) => labels[TYPE_LABEL] !== undefined && external_id !== null)
    .map((campaign) => ({ ...campaign, audienceId: campaign.external_id!.slice(prefixOf(accountId).length) }));
}

export async function syncAudiences(
  api: Api,
  { account: given, audiences, delete_missing: deletesMissing }: Wanted,
  served: Served,
): Promise<{ readonly audiences: readonly AudienceResult[] }> {
  const accountId = accountIdOf(given, served.labels);
  const results: AudienceResult[] = [];
  const existing = new Map((await audiencesOf(api, accountId)).map((one) => [one.audienceId, one]));
  if (audiences === undefined) {
    if (deletesMissing === true)
      throw new AdcpFault('INVALID_REQUEST', 'delete_missing without audiences would delete all audiences');
    for (const one of existing.values())
      results.push(await describe(api, one, { action: 'unchanged', uploaded: 0 }, served));
    return { audiences: results };
  }
  for (const wanted of audiences) {
    try {
      results.push(await syncOne(api, accountId, wanted, existing.get(wanted.audience_id), served));
    } catch (error) {
      if (!(error instanceof AdcpFault)) throw error;
      results.push({ audience_id: wanted.audience_id, action: 'failed', errors: [error.toJSON()] });
    }
  }
  if (deletesMissing === true) {
    const named = new Set(audiences.map((wanted) => wanted.audience_id));
    for (const [audienceId, { id, name }] of existing) {
      if (named.has(audienceId)) continue;
      await api.send('DELETE', `/v1/campaigns/${id}`);
      results.push({ audience_id: audienceId, name, action: 'deleted' });
    }
  }
  return { audiences: results };
}

async function syncOne(
  api: Api,
  accountId: string,
  wanted: Audience,
  before: CampaignFields | undefined,
  served: Served,
): Promise<AudienceResult> {
  const { audience_id: audienceId, add = [], remove = [] } = wanted;
  if (wanted.delete === true) {
    if (before === undefined) throw new AdcpFault('REFERENCE_NOT_FOUND', `there is no audience ${audienceId}`);
    await api.send('DELETE', `/v1/campaigns/${before.id}`);
    return { audience_id: audienceId, name: before.name, action: 'deleted' };
  }
  // members are checked before anything is created
  const ids = { add: addedOf(add, remove, served), remove: idsToRemove([...remove, ...add]) };
  const campaign = await (before === undefined ? create(api, accountId, wanted, served) : update(api, before, wanted));
  if (ids.remove.length > 0)
    await change(
      api,
      campaign.id,
      'remove',
      ids.remove.filter((id) => !ids.add.has(id)),
      wanted,
    );
  if (ids.add.size > 0) await change(api, campaign.id, 'add', [...ids.add], wanted);
  const isChanged = ids.add.size + remove.length > 0 || campaign !== before;
  const action = before === undefined ? 'created' : isChanged ? 'updated' : 'unchanged';
  return describe(api, { ...campaign, audienceId }, { action, uploaded: add.length }, served);
}

/** The ids to add: none of a member who is also removed. */
function addedOf(add: readonly Member[], remove: readonly Member[], { population }: Served): ReadonlySet<string> {
  const removed = new Set(idsToRemove(remove));
  return new Set(idsToAdd(add, population).filter((id) => !removed.has(id)));
}

async function change(
  api: Api,
  id: string,
  how: 'add' | 'remove',
  ids: readonly string[],
  { consent_basis: basis }: Audience,
): Promise<void> {
  if (ids.length === 0) return;
  const query = basis === undefined || how === 'remove' ? '' : `?consent_basis=${basis}`;
  await api.upload('POST', `/v1/campaigns/${id}/seeds/${how}${query}`, [`${ids.join('\n')}\n`]);
}

async function create(
  api: Api,
  accountId: string,
  wanted: Audience,
  { labels }: Pick<Served, 'labels'>,
): Promise<CampaignFields> {
  const { audience_id: audienceId, name = audienceId, audience_type: type = 'crm', tags } = wanted;
  return api.send('POST', '/v1/campaigns', {
    name,
    external_id: externalIdOf(accountId, audienceId),
    labels: { ...labels, [ACCOUNT_LABEL]: accountId, [TYPE_LABEL]: type, ...tagsOf(tags) },
    seeds: null,
    audience: { percent: DEFAULT_PERCENT },
  });
}

/** Changes the name, type and tags, if they differ. */
async function update(api: Api, before: CampaignFields, wanted: Audience): Promise<CampaignFields> {
  const { name = before.name, audience_type: type = before.labels[TYPE_LABEL]!, tags } = wanted;
  const labels = { ...before.labels, [TYPE_LABEL]: type, ...tagsOf(tags) };
  if (name === before.name && JSON.stringify(labels) === JSON.stringify(before.labels)) return before;
  return api.send('PATCH', `/v1/campaigns/${before.id}`, { name, labels });
}

function tagsOf(tags: readonly string[] | undefined): Readonly<Record<string, string>> {
  return tags === undefined ? {} : { [TAGS_LABEL]: tags.join(' ') };
}

/** Reports an audience with its matches. */
async function describe(
  api: Api,
  { id, audienceId, name, labels }: CampaignFields & { readonly audienceId: string },
  { action, uploaded }: { readonly action: string; readonly uploaded: number },
  { minimum }: Served,
): Promise<AudienceResult> {
  const { users, known, updated_at, identifiers = [] } = await api.get<SetReport>(`/v1/campaigns/${id}/seeds`);
  const isReady = known >= minimum;
  return {
    audience_id: audienceId,
    name,
    seller_id: id,
    action,
    status: isReady ? 'ready' : 'too_small',
    uploaded_count: uploaded,
    total_uploaded_count: users,
    matched_count: known,
    effective_match_rate: users === 0 ? 0 : known / users,
    ...(identifiers.length > 0 && {
      match_breakdown: identifiers.map(({ type, users: submitted, known: matched }) => ({
        id_type: idTypeOf(type),
        submitted,
        matched,
        match_rate: submitted === 0 ? 0 : matched / submitted,
      })),
    }),
    last_synced_at: updated_at,
    ...(!isReady && { minimum_size: minimum }),
    ext: { metaheac: { campaign_id: id, audience_type: labels[TYPE_LABEL] } },
  };
}
