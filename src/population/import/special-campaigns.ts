/** Reads which features and past campaigns special-category campaigns must not use, from a data set or a schema. */
import { z } from 'zod';
import { type DataSet, getDataSetFile, hasDataSetFile } from '../../dataset/data-set.ts';
import type { Feature } from '../../dataset/features.ts';
import { lineError, readLines } from '../../dataset/lines.ts';
import { findId, parseRecord } from '../../dataset/records.ts';
import { SPECIAL_CATEGORIES, type SpecialCampaigns, type SpecialCategory } from '../../lib/special-categories.ts';

const labels = z.array(z.enum(SPECIAL_CATEGORIES));

/**
 * Reads `special_categories` of all campaigns of a data set. Returns nothing if there is no campaigns file.
 * @throws AppError invalid_data (file:line)
 */
export async function readSpecialCampaigns(dataSet: DataSet): Promise<SpecialCampaigns> {
  if (!hasDataSetFile(dataSet, 'campaigns.ndjson')) return {};
  const file = getDataSetFile(dataSet, 'campaigns.ndjson');
  const found = new Map(SPECIAL_CATEGORIES.map((category) => [category, [] as string[]]));
  for await (const { firstLine, lines } of readLines(file))
    for (const [i, line] of lines.entries()) {
      const record = parseRecord(line, file, firstLine + i);
      const given = record?.['special_categories'] ?? [];
      const categories = labels.safeParse(given);
      const id = findId(record?.['campaign_id']);
      if (!categories.success) {
        const message = `special_categories must be a list of ${SPECIAL_CATEGORIES.join(', ')}`;
        throw lineError(file, firstLine + i, message, { value: given });
      }
      if (id !== null) for (const category of categories.data) found.get(category)!.push(id);
    }
  return sortedCampaigns(Object.fromEntries(found));
}

/** Sorts the ids in ascending order and removes duplicates. Categories without campaigns are omitted. */
export function sortedCampaigns(campaigns: SpecialCampaigns = {}): SpecialCampaigns {
  const sorted = SPECIAL_CATEGORIES.map((category) => [category, [...new Set(campaigns[category])].sort()] as const);
  return Object.fromEntries(sorted.filter(([, ids]) => ids.length > 0));
}

/** For each feature, the categories that exclude it. */
export function exclusionsIn(features: readonly Feature[]): ReadonlyMap<string, readonly SpecialCategory[]> {
  return new Map(features.flatMap(({ name, excludedFor }) => (excludedFor ? [[name, excludedFor]] : [])));
}
