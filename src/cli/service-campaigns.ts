/** The campaigns of a service's data folder, as users of a population: what `train` and `retrain` read. */
import type { CampaignRecord, CampaignRecords } from '../campaigns/ports/records.ts';
import type { ServedCampaign } from '../offline/served-campaigns.ts';
import type { Population } from '../population/population.ts';
import { locateStore, openRecords } from '../store/open-store.ts';

export interface ServiceCampaigns {
  /** Those whose latest expansion has an audience, the oldest first. */
  readonly campaigns: readonly ServedCampaign[];
  /** Campaigns without seeds or without an audience. */
  readonly others: number;
}

/**
 * Reads beside a running service, and writes nothing. A campaign that changes meanwhile is read as it is at one moment
 * or another. Errors: invalid_argument where there is no data folder of this version; storage_failed.
 */
export function readServiceCampaigns(dataDir: string, population: Population): ServiceCampaigns {
  const records = openRecords(locateStore(dataDir));
  try {
    const ready = records.ready();
    const campaigns = ready.map((record) => readCampaign(records, record, population));
    return { campaigns, others: records.countOthers() };
  } finally {
    records.close();
  }
}

function readCampaign(
  records: CampaignRecords,
  { id, externalId, features, createdAt }: CampaignRecord,
  population: Population,
): ServedCampaign {
  const seeds: number[] = [];
  for (const block of records.seedsOf(id)) for (const userId of block) seeds.push(numberOf(userId, population));
  const by = { conversion: [] as number[], click: [] as number[], dismissal: [] as number[] };
  for (const rows of records.feedbackOf(id))
    for (const { userId, event } of rows) by[event].push(numberOf(userId, population));
  return {
    id: externalId ?? id,
    createdAt,
    features,
    seeds: known(seeds),
    conversions: known(by.conversion),
    clicks: known(by.click),
    dismissals: known(by.dismissal),
  };
}

/** -1 of who is not in the current version. */
function numberOf(userId: string, { directory, rowOf }: Population): number {
  const user = directory.find(userId);
  return user >= 0 && rowOf[user]! >= 0 ? user : -1;
}

function known(users: readonly number[]): Int32Array {
  return Int32Array.from(users)
    .filter((user) => user >= 0)
    .sort();
}
