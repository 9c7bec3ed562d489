/** Reads the campaigns of a data folder for `train` and `retrain`, and looks their users up in a population. */

import { findRoles } from '../../../audience/find-roles.ts';
import type { CampaignRecord, CampaignRecords } from '../../../domain/ports/records.ts';
import { canonicalJson } from '../../../lib/text/canonical-json.ts';
import { without } from '../../../online/negatives.ts';
import type { Population } from '../../../population/read.ts';
import { openRecords } from '../../../storage/open-store.ts';
import { createReach, type Reach } from '../../../training/history/reach.ts';
import type { ServedCampaign } from '../../../training/history/served-campaigns.ts';

export interface ServiceCampaigns {
  /** Campaigns whose latest expansion has an audience, oldest first. */
  readonly campaigns: readonly ServedCampaign[];
  /** Number of campaigns without seeds or without an audience. */
  readonly others: number;
}

/**
 * Reads campaigns without writing anything, even while a service is running. A campaign that changes during the call is
 * read as it was before the change or after it.
 * @throws AppError invalid_argument if there is no data folder of this version; storage_failed
 */
export async function readServiceCampaigns(dataDir: string, population: Population): Promise<ServiceCampaigns> {
  const records = openRecords(dataDir);
  try {
    const campaigns: ServedCampaign[] = [];
    const reaches = new Map<string, Reach>();
    for (const record of await records.ready()) {
      const reach = await readReach(records, record, population, reaches);
      campaigns.push({ ...(await readCampaign(records, record, population)), reach });
    }
    return { campaigns, others: await records.countOthers() };
  } finally {
    await records.close();
  }
}

async function readCampaign(
  records: CampaignRecords,
  { id, externalId, features, createdAt }: CampaignRecord,
  population: Population,
): Promise<ServedCampaign> {
  const usersOf = async (kind: 'seeds' | 'negatives') => {
    const users: number[] = [];
    for (const block of await records.usersOf(kind, id))
      for (const userId of block) users.push(numberOf(userId, population));
    return known(users);
  };
  const [seeds, negatives] = [await usersOf('seeds'), await usersOf('negatives')];
  const by = { conversion: [] as number[], click: [] as number[], dismissal: [] as number[] };
  for await (const rows of await records.feedbackOf(id))
    for (const { userId, event } of rows) by[event].push(numberOf(userId, population));
  return {
    id: externalId ?? id,
    createdAt,
    features,
    seeds,
    // as in an expansion, a negative is not a seed even if the user converted
    conversions: without(known(by.conversion), negatives),
    clicks: known(by.click),
    dismissals: Int32Array.from(new Set([...known(by.dismissal), ...negatives])).sort(),
  };
}

/**
 * Finds the users who could be in the audience of the campaign; undefined if the campaign has neither filters nor
 * suppression lists. Campaigns with the same filters and lists share the result.
 */
async function readReach(
  records: CampaignRecords,
  { id, filters, suppression, commonSuppression }: CampaignRecord,
  population: Population,
  known: Map<string, Reach>,
): Promise<Reach> {
  if (Object.keys(filters).length === 0 && suppression === null && commonSuppression === null) return undefined;
  const key = canonicalJson([filters, suppression, commonSuppression]);
  if (!known.has(key)) {
    const ids = { seeds: [], dismissed: [], suppressed: [await records.suppressedOf(id)] };
    const isCandidate = new Uint8Array(population.rowCount);
    for (const row of (await findRoles(population, ids, filters)).candidates) isCandidate[row] = 1;
    const { rowOf } = population;
    known.set(
      key,
      createReach(rowOf.length, (user) => isCandidate[rowOf[user]!] === 1),
    );
  }
  return known.get(key);
}

/** The number of a user; -1 if the user is not in the current version. */
function numberOf(userId: string, { directory, rowOf }: Population): number {
  const user = directory.find(userId);
  return user >= 0 && rowOf[user]! >= 0 ? user : -1;
}

function known(users: readonly number[]): Int32Array {
  return Int32Array.from(users)
    .filter((user) => user >= 0)
    .sort();
}
