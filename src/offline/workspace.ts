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
  options: { pastCampaigns?: boolean; onProgress?: (usersRead: number) => void } = {},
): Promise<Workspace> {
  const dataSet = openDataSet(path);
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-population-'));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    const derived = new Map(options.pastCampaigns ? [[PAST_CAMPAIGNS, await readPastCampaigns(dataSet)]] : []);
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

/** Longest list of past campaigns that a model sees. */
const MAXIMUM_PAST_CAMPAIGNS = 256;

function derivedFeature(name: string, lists: ReadonlyMap<string, readonly string[]>): Feature {
  let longest = 1;
  for (const list of lists.values()) longest = Math.max(longest, list.length);
  return { name, kind: 'multi', maxLength: Math.min(longest, MAXIMUM_PAST_CAMPAIGNS) };
}
