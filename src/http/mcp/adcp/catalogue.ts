/** `get_signals`: look-alikes of an account's audiences, and of users with a feature value. */
import { z } from 'zod';
import { ACCOUNT_LABEL, account, accountIdOf } from './account.ts';
import { type Api, type CampaignFields, listCampaigns } from './api.ts';
import { audiencesOf, DEFAULT_PERCENT, externalIdOf, type Served, type SetReport, TYPE_LABEL } from './audiences.ts';
import { deploymentOf, destination, destinationsOf, keyOf } from './deployments.ts';
import { AdcpFault } from './fault.ts';

/** Number of values of each feature that are signals. */
const VALUES = 20;
const DEFAULT_PAGE = 50;
const MOST_PAGE = 100;

/** The start of the ids of signals that are feature values; other signals have the id of their audience. */
const FEATURE = 'feature_';
/** The ids that AdCP allows. An audience with another id is a signal under an encoded one. */
const SIGNAL_ID = /^[a-zA-Z0-9_-]+$/;
const ENCODED = 'audience_';

/** The id of the signal of an audience. */
export function signalOfAudience(audienceId: string): string {
  if (SIGNAL_ID.test(audienceId) && !audienceId.startsWith(FEATURE) && !audienceId.startsWith(ENCODED))
    return audienceId;
  return `${ENCODED}${encode(audienceId)}`;
}

/** What a signal expands: an audience, or the users with a feature value. */
export function readSignal(
  id: string,
): { readonly audience: string } | { readonly feature: string; readonly value: string } {
  if (id.startsWith(ENCODED)) return { audience: decode(id.slice(ENCODED.length)) };
  if (!id.startsWith(FEATURE)) return { audience: id };
  const [feature = '', value = ''] = decode(id.slice(FEATURE.length)).split('\n');
  return { feature, value };
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function decode(text: string): string {
  return Buffer.from(text, 'base64url').toString();
}

export const getSignalsInput = z.looseObject({
  account: account.optional(),
  signal_spec: z.string().optional(),
  signal_ids: z.array(z.looseObject({ source: z.string(), id: z.string() })).optional(),
  destinations: z.array(destination).optional(),
  filters: z
    .looseObject({
      catalog_types: z.array(z.string()).optional(),
      data_providers: z.array(z.string()).optional(),
      max_cpm: z.number().optional(),
      min_coverage_percentage: z.number().optional(),
    })
    .optional(),
  max_results: z.int().min(1).optional(),
  pagination: z
    .looseObject({ max_results: z.int().min(1).max(MOST_PAGE).optional(), cursor: z.string().optional() })
    .optional(),
});

interface Signal {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: 'custom' | 'owned';
  readonly coverage: number;
  /** The campaign of the signal; null if it was never activated. */
  readonly campaign: CampaignFields | null;
}

export async function getSignals(
  api: Api,
  { account: given, signal_spec: spec, signal_ids: ids, filters = {}, ...rest }: z.output<typeof getSignalsInput>,
  served: Served,
  agentUrl: string,
) {
  const prices = served.prices.filter(({ cpm }) => cpm <= (filters.max_cpm ?? Number.POSITIVE_INFINITY));
  const all = await catalogue(api, accountIdOf(given, served.labels), served);
  const matching = all
    .filter(({ id }) => ids === undefined || ids.some((wanted) => wanted.id === id))
    .filter(({ type }) => filters.catalog_types?.includes(type) ?? true)
    .filter(({ coverage }) => coverage >= (filters.min_coverage_percentage ?? 0))
    .filter(() => prices.length > 0);

  const ranked = spec === undefined ? matching : byRelevance(matching, spec);
  const { cursor, max_results: page = rest.max_results ?? DEFAULT_PAGE } = rest.pagination ?? {};
  const start = cursor === undefined ? 0 : Number(cursor);
  if (!Number.isSafeInteger(start) || start < 0) throw new AdcpFault('INVALID_REQUEST', 'the cursor is not valid');
  const end = start + Math.min(page, MOST_PAGE);
  const hasMore = end < ranked.length;
  return {
    signals: ranked.slice(start, end).map((signal) => ({
      signal_id: { source: 'agent', agent_url: agentUrl, id: signal.id },
      signal_agent_segment_id: signal.id,
      name: signal.name,
      description: signal.description,
      value_type: 'binary',
      signal_type: signal.type,
      data_provider: 'metaheac',
      coverage_percentage: signal.coverage,
      deployments: destinationsOf(signal.campaign)
        .filter((own) => rest.destinations?.some((wanted) => keyOf(wanted) === keyOf(own)) ?? true)
        .map((own) => deploymentOf(own, signal.campaign!)),
      pricing_options: prices.map(({ id, cpm, currency }) => ({ pricing_option_id: id, model: 'cpm', cpm, currency })),
    })),
    pagination: { has_more: hasMore, ...(hasMore && { cursor: String(end) }), total_count: ranked.length },
  };
}

/** Look-alikes of the account's ready audiences, then of values of the features that are not sensitive. */
async function catalogue(api: Api, accountId: string, { minimum }: Served): Promise<readonly Signal[]> {
  const signals: Signal[] = [];
  for (const audience of await audiencesOf(api, accountId)) {
    if (audience.labels[TYPE_LABEL] === 'suppression') continue;
    const { known } = await api.get<SetReport>(`/v1/campaigns/${audience.id}/seeds`);
    if (known < minimum) continue;
    const { audienceId, name } = audience;
    const description = `Users most like the ${known} matched members of the audience ${name}.`;
    const shared = { name: `Like ${name}`, description, type: 'custom' as const, campaign: audience };
    signals.push({ ...shared, id: signalOfAudience(audienceId), coverage: DEFAULT_PERCENT });
  }
  const activated = new Map(
    (await listCampaigns(api, { label: `${ACCOUNT_LABEL}=${accountId}` })).map((one) => [one.external_id, one]),
  );
  interface Features {
    readonly features: readonly {
      readonly name: string;
      readonly kind: string;
      readonly sensitive: boolean;
      readonly excluded_for: readonly string[];
      readonly values: string;
    }[];
  }
  const { features } = await api.get<Features>('/v1/populations/current');
  for (const { name, kind, sensitive, excluded_for: excluded, values } of features) {
    if (sensitive || excluded.length > 0 || (kind !== 'single' && kind !== 'multi')) continue;
    const page = await api.get<{ readonly items: readonly { readonly value: string; readonly users: number }[] }>(
      `${values}?limit=${VALUES}`,
    );
    for (const { value, users } of page.items) {
      if (users < minimum) continue;
      const id = `${FEATURE}${encode(`${name}\n${value}`)}`;
      signals.push({
        ...{ id, name: `Like users with ${name} ${value}`, type: 'owned', coverage: DEFAULT_PERCENT },
        description: `Users most like the ${users} users with ${name} ${value}.`,
        campaign: activated.get(externalIdOf(accountId, id)) ?? null,
      });
    }
  }
  return signals;
}

/** Sorts signals by the number of words of `spec` in their names and descriptions; all are kept. */
function byRelevance(signals: readonly Signal[], spec: string): readonly Signal[] {
  const words = new Set(spec.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu));
  const relevance = ({ name, description }: Signal) => {
    const own = new Set(`${name} ${description}`.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu));
    return [...words].filter((word) => own.has(word)).length;
  };
  return signals
    .map((signal) => [signal, relevance(signal)] as const)
    .sort(([, a], [, b]) => b - a)
    .map(([one]) => one);
}
