/** A data set made ready for work: its users as a temporary population, its campaigns as history. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataSet, openDataSet } from '../population/data-set.ts';
import { importPopulation } from '../population/import.ts';
import { PAST_CAMPAIGNS, readPastCampaigns } from '../population/past-campaigns.ts';
import { openPopulation, type Population } from '../population/population.ts';
import type { Feature } from '../population/schema.ts';
import { type History, readHistory } from './history.ts';

export interface Workspace {
  readonly dataSet: DataSet;
  readonly population: Population;
  readonly history: History;
  /** The user features of the population: those of the data set and, where it was asked for, past campaigns. */
  readonly userFeatures: readonly Feature[];
  /** Removes the temporary population. */
  close(): void;
}

/** Imports the users of the data set in `path` and reads its history. Errors: invalid_data, naming file:line. */
export async function openWorkspace(
  path: string,
  options: { pastCampaigns?: 'never' | 'where users recur' | 'always'; onProgress?: (usersRead: number) => void } = {},
): Promise<Workspace> {
  const dataSet = openDataSet(path);
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-population-'));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    const derived = new Map<string, ReadonlyMap<string, readonly string[]>>();
    const isGiven = dataSet.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS);
    if (options.pastCampaigns && options.pastCampaigns !== 'never' && !isGiven) {
      const past = await readPastCampaigns(dataSet);
      if (options.pastCampaigns === 'always' || usersRecur(past)) derived.set(PAST_CAMPAIGNS, past);
    }
    const userFeatures = [...dataSet.userFeatures, ...[...derived].map(([name, lists]) => derivedFeature(name, lists))];
    const { onProgress } = options;
    await importPopulation({
      source: path,
      features: userFeatures,
      derived,
      out: folder,
      ...(onProgress ? { onProgress } : {}),
    });
    const population = openPopulation(folder);
    return { dataSet, population, userFeatures, history: await readHistory(dataSet, population.directory), close };
  } catch (error) {
    close();
    throw error;
  }
}

/** A model sees lists of past campaigns as long as this share of them are, and never longer than the limit: places that few users fill cost all of them. */
const COVERED = 0.95;
const MAXIMUM_PAST_CAMPAIGNS = 256;

function derivedFeature(name: string, lists: ReadonlyMap<string, readonly string[]>): Feature {
  const lengths = Int32Array.from(lists.values(), (list) => list.length).sort();
  const covering = lengths[Math.floor(COVERED * (lengths.length - 1))] ?? 1;
  return { name, kind: 'multi', maxLength: Math.min(Math.max(covering, 1), MAXIMUM_PAST_CAMPAIGNS) };
}

/** Members of past campaigns are in this many of them on average, or past campaigns are no feature. */
const LEAST_RECURRENCE = 2;

/**
 * Where members are hardly ever in two campaigns, past campaigns say nothing of the next one; worse, a campaign's members, whose own token is left
 * out, would be told from others by having none.
 */
function usersRecur(past: ReadonlyMap<string, readonly string[]>): boolean {
  let memberships = 0;
  for (const list of past.values()) memberships += list.length;
  return past.size > 0 && memberships / past.size >= LEAST_RECURRENCE;
}
