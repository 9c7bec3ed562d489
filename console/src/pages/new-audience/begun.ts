/** A draft that somebody left, as the values of the form: the ids of its customers stay with the service. */
import { type Api, call } from '../../api/client.ts';
import type { Campaign, UserSet } from '../../api/types.ts';
import { DRAFT_NAME } from './draft.ts';
import type { KeptList } from './list.ts';
import { type FilterValue, NO_VALUES, type Values } from './values.ts';

/** null where it is no draft any more. @throws ApiError, OfflineError */
export async function loadBegun(api: Api, id: string, signal: AbortSignal): Promise<Values | null> {
  const init = { params: { path: { id } }, signal };
  const [campaign, seeds, suppression] = await Promise.all([
    call(api.GET('/v1/campaigns/{id}', init)),
    call(api.GET('/v1/campaigns/{id}/seeds', init)),
    call(api.GET('/v1/campaigns/{id}/suppression', init)),
  ]);
  if (campaign.state !== null) return null;
  return {
    ...NO_VALUES,
    ...sizeOf(campaign.audience),
    name: campaign.name === DRAFT_NAME ? '' : campaign.name,
    features: mapped(campaign.features, (value) =>
      typeof value === 'string' ? [value] : typeof value === 'number' ? [String(value)] : listOf(value),
    ),
    filters: mapped(campaign.filters, filterOf),
    draftId: id,
    seeds: keptOf(seeds, 'Customers sent before'),
    suppression: keptOf(suppression, 'People sent before'),
  };
}

function sizeOf(audience: Campaign['audience']): Pick<Values, 'size' | 'sizeUnit'> {
  if ('size' in audience) return { size: String(audience.size), sizeUnit: 'people' };
  return { size: String(audience.percent), sizeUnit: 'percent' };
}

/** Values of a list; numbers of a vector stand in one text. */
function listOf(values: readonly (string | number)[]): readonly string[] {
  return typeof values[0] === 'number' ? [values.join(' ')] : values.map(String);
}

function filterOf(filter: Campaign['filters'][string]): FilterValue {
  if (Array.isArray(filter)) return { kind: 'tokens', tokens: filter };
  const { min, max } = filter as { readonly min?: number; readonly max?: number };
  return { kind: 'range', min: min === undefined ? '' : String(min), max: max === undefined ? '' : String(max) };
}

function keptOf(set: UserSet, name: string): KeptList | null {
  const { received, known, unknown, duplicate, unknown_examples: examples } = set;
  if (received === 0) return null;
  return {
    name,
    report: { received, known, unknown, duplicate, examples, hints: [], empty: 0 },
    sample: [],
    isWhole: false,
  };
}

function mapped<From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
}
