/** Chooses sample customers: people in the population who have a value in common. */
import { type Api, call } from '../../api/client.ts';
import type { CurrentPopulation } from '../../api/types.ts';
import { KINDS } from '../feature-kinds.ts';

export interface SampleCustomers {
  readonly userIds: readonly string[];
  /** The value that the sample customers share, such as `hiking` of `interests`; null if no value fits. */
  readonly shared: { readonly feature: string; readonly value: string } | null;
}

/**
 * Target share of people who have the shared value. Such a value is rare enough to be meaningful, and common enough to
 * learn from.
 */
const WANTED_SHARE = 0.04;
const LOOKED_AT_FEATURES = 4;
const LOOKED_AT_VALUES = 200;

export async function findSampleCustomers(
  api: Api,
  population: CurrentPopulation,
  size: number,
): Promise<SampleCustomers> {
  const shared = await findShared(api, population, size);
  const query = { size, ...shared };
  const { user_ids: userIds } = await call(api.GET('/v1/populations/current/sample', { params: { query } }));
  return { userIds, shared };
}

async function findShared(api: Api, population: CurrentPopulation, size: number): Promise<SampleCustomers['shared']> {
  const isList = ({ kind }: (typeof population.features)[number]) => KINDS[kind].input === 'tokens';
  // interests are preferred because they are more informative than places
  const features = [...population.features]
    .filter(({ kind, sensitive }) => !sensitive && KINDS[kind].filter === 'tokens')
    .sort((a, b) => Number(isList(b)) - Number(isList(a)) || b.known_values - a.known_values)
    .slice(0, LOOKED_AT_FEATURES);
  const distance = (users: number) => Math.abs(Math.log(users / population.users / WANTED_SHARE));
  let best: { feature: string; value: string; users: number } | null = null;
  for (const { name } of features) {
    const params = { path: { name }, query: { limit: LOOKED_AT_VALUES } };
    const { items } = await call(api.GET('/v1/populations/current/features/{name}/values', { params }));
    for (const { value, users } of items) {
      if (users < size / 2 || users > population.users / 2) continue;
      if (best === null || distance(users) < distance(best.users)) best = { feature: name, value, users };
    }
  }
  return best === null ? null : { feature: best.feature, value: best.value };
}
