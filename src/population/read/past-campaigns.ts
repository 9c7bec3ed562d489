/**
 * Past campaigns as a user feature: for each user, the train campaigns that the user is a member of. The values belong
 * to the population, never to a model.
 */

import { readInteractionsTable } from '../../dataset/csv-table.ts';
import { type DataSet, getDataSetFile } from '../../dataset/data-set.ts';
import { readLines } from '../../dataset/lines.ts';
import { findId, parseRecord } from '../../dataset/records.ts';
import { AppError } from '../../lib/errors.ts';

export const PAST_CAMPAIGNS = 'past_campaigns';

/**
 * For each user id, the ids of train campaigns in whose history (stage `train`) the user has label 1, in the order of
 * the file.
 */
export async function readPastCampaigns(dataSet: DataSet): Promise<ReadonlyMap<string, readonly string[]>> {
  if (dataSet.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS)) {
    throw new AppError(
      'invalid_data',
      `${dataSet.path}/dataset.json: "${PAST_CAMPAIGNS}" is derived from the history and cannot be a user feature`,
    );
  }
  const train = new Map<string, string>();
  const campaigns = getDataSetFile(dataSet, 'campaigns.ndjson');
  for await (const { firstLine, lines } of readLines(campaigns)) {
    for (const [i, line] of lines.entries()) {
      const record = parseRecord(line, campaigns, firstLine + i);
      const id = findId(record?.['campaign_id']);
      if (record?.['split'] === 'train' && id !== null) train.set(id, id);
    }
  }
  const past = new Map<string, string[]>();
  const interactions = getDataSetFile(dataSet, 'interactions.csv');
  await readInteractionsTable(interactions, ([campaignId, userId, label, stage]) => {
    const campaign = label === '1' && stage === 'train' ? train.get(campaignId!) : undefined;
    if (campaign === undefined) return;
    const list = past.get(userId!);
    if (!list) past.set(userId!, [campaign]);
    // repeated rows add weight in training, but count once in this list
    else if (!list.includes(campaign)) list.push(campaign);
  });
  return past;
}

/**
 * The values of features that are derived from the history of a data set: past campaigns, if this feature is requested
 * and the data set itself does not have it.
 */
export async function derivedFeatures(
  dataSet: DataSet,
  features: readonly { readonly name: string }[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>> {
  const isWanted = features.some(({ name }) => name === PAST_CAMPAIGNS);
  const isGiven = dataSet.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS);
  return new Map(isWanted && !isGiven ? [[PAST_CAMPAIGNS, await readPastCampaigns(dataSet)]] : []);
}
