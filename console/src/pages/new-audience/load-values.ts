/** Loads a draft or a copy of an audience into the form. The ids of users stay in the service. */
import { type Api, call } from '../../api/client.ts';
import type { Campaign, UserSet } from '../../api/types.ts';
import type { KeptList } from '../../lists/list.ts';
import { DRAFT_NAME } from '../audiences/drafts.tsx';
import { rowsOf } from '../cuts.ts';
import { type FilterValue, NO_VALUES, type Values } from './values.ts';

/**
 * Returns the values of a draft, or null if the campaign is no longer a draft.
 * @throws ApiError, OfflineError
 */
export async function loadDraft(api: Api, id: string, signal: AbortSignal): Promise<Values | null> {
  const { campaign, seeds, negatives, suppression } = await load(api, id, signal);
  if (campaign.state !== null) return null;
  return {
    ...definitionOf(campaign),
    name: campaign.name === DRAFT_NAME ? '' : campaign.name,
    draftId: id,
    seeds: keptOf(seeds, 'Uploaded customers'),
    suppression: keptOf(suppression, 'Uploaded list'),
    negatives: keptOf(negatives, 'Uploaded negatives'),
  };
}

/**
 * Returns the values of another audience without its lists.
 * @throws ApiError, OfflineError
 */
export async function loadCopy(api: Api, id: string, signal: AbortSignal): Promise<Values> {
  const { campaign, seeds, negatives, suppression } = await load(api, id, signal);
  const { name } = campaign;
  const copied = {
    name,
    customers: seeds.users,
    isWeighted: seeds.weights !== undefined,
    suppressed: suppression.users,
    negatives: negatives.users,
  };
  return { ...definitionOf(campaign), name: `Copy of ${name}`.slice(0, MOST_CHARACTERS), copied };
}

/** Maximum length of a name. */
const MOST_CHARACTERS = 200;

async function load(api: Api, id: string, signal: AbortSignal) {
  const init = { params: { path: { id } }, signal };
  const [campaign, seeds, negatives, suppression] = await Promise.all([
    call(api.GET('/v1/campaigns/{id}', init)),
    call(api.GET('/v1/campaigns/{id}/seeds', init)),
    call(api.GET('/v1/campaigns/{id}/negatives', init)),
    call(api.GET('/v1/campaigns/{id}/suppression', init)),
  ]);
  return { campaign, seeds, negatives, suppression };
}

function definitionOf(campaign: Campaign): Values {
  return {
    ...NO_VALUES,
    ...sizeOf(campaign.audience),
    cuts: rowsOf(campaign.cuts),
    holdout: String(campaign.holdout_percent),
    negativeWeight: String(campaign.negative_weight),
    category: campaign.category,
    fourFifths: campaign.four_fifths,
    refresh: campaign.refresh,
    labels: campaign.labels,
    features: mapped(campaign.features, (value) =>
      typeof value === 'string' ? [value] : typeof value === 'number' ? [String(value)] : listOf(value),
    ),
    filters: mapped(campaign.filters, filterOf),
  };
}

function sizeOf(audience: Campaign['audience']): Pick<Values, 'size' | 'sizeUnit'> {
  if ('size' in audience) return { size: String(audience.size), sizeUnit: 'people' };
  return { size: String(audience.percent), sizeUnit: 'percent' };
}

/** Returns the values of a feature as texts. The numbers of a vector become a single text. */
function listOf(values: readonly (string | number)[]): readonly string[] {
  return typeof values[0] === 'number' ? [values.join(' ')] : values.map(String);
}

function filterOf(filter: Campaign['filters'][string]): FilterValue {
  if (Array.isArray(filter)) return { kind: 'tokens', tokens: filter };
  const { min, max } = filter as { readonly min?: number; readonly max?: number };
  return { kind: 'range', min: min === undefined ? '' : String(min), max: max === undefined ? '' : String(max) };
}

function keptOf(set: UserSet, name: string): KeptList | null {
  const { received, known, unknown, duplicate, outside = 0, identifiers = [], unknown_examples: examples } = set;
  if (received === 0) return null;
  return {
    name,
    report: { received, known, unknown, duplicate, outside, identifiers, examples, hints: [], empty: 0 },
    sample: [],
    isWhole: false,
  };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
}
