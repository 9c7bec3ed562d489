/**
 * Past campaigns as a user feature: for each user, the train campaigns that the user is a member of. The values are
 * stored in the population, never in a model.
 */

import { readInteractionsTable } from '../../dataset/csv-table.ts';
import { type DataSet, getDataSetFile } from '../../dataset/data-set.ts';
import { readLines } from '../../dataset/lines.ts';
import { findId, parseRecord } from '../../dataset/records.ts';
import { AppError } from '../../lib/errors.ts';

export const PAST_CAMPAIGNS = 'past_campaigns';

/**
 * For each user id, the ids of the train campaigns for which the user has a row with stage `train` and label 1, in file
 * order.
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
 * The values of features that are derived from a data set's history. The only such feature is past campaigns; its
 * values are derived if the feature is requested and missing from the data set.
 */
export async function derivedFeatures(
  dataSet: DataSet,
  features: readonly { readonly name: string }[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>> {
  const isWanted = features.some(({ name }) => name === PAST_CAMPAIGNS);
  const isGiven = dataSet.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS);
  return new Map(isWanted && !isGiven ? [[PAST_CAMPAIGNS, await readPastCampaigns(dataSet)]] : []);
}
