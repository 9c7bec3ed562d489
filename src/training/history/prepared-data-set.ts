/** A data set prepared for training: its users as a temporary population, its campaigns as history. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DataSet, openDataSet } from '../../dataset/data-set.ts';
import type { Feature } from '../../dataset/features.ts';
import type { HiddenTokens } from '../../online/swap.ts';
import { importPopulation } from '../../population/import.ts';
import { openPopulation, PAST_CAMPAIGNS, type Population, readPastCampaigns } from '../../population/read.ts';
import { type History, readHistory } from './history.ts';
import { keepTokens } from './kept-tokens.ts';
import { type ScaledFeature, withScales } from './number-scales.ts';

export interface PreparedDataSet {
  readonly dataSet: DataSet;
  readonly population: Population;
  readonly history: History;
  /** The user features of the population: the features of the data set and, if requested, past campaigns. */
  readonly userFeatures: readonly ScaledFeature[];
  /**
   * The values that campaigns hide from all users, besides the campaigns' own tokens; present only if campaigns are
   * tokens.
   */
  readonly hidden?: HiddenTokens;
  /** The time of the last campaign, if campaigns are ordered by time. Training then holds out the newest campaigns. */
  readonly until?: Date;
  /** Removes the temporary population. */
  close(): void;
}

/** Whether the users' past campaigns are a feature derived from the history. */
export function hasPastCampaigns({ dataSet, userFeatures }: PreparedDataSet): boolean {
  const has = (features: readonly Feature[]) => features.some(({ name }) => name === PAST_CAMPAIGNS);
  return has(userFeatures) && !has(dataSet.userFeatures);
}

/**
 * Imports the users of the data set in `path` and reads its history. With `pastCampaigns`, the campaigns of which users
 * are members become a feature. The `maximumTokens` most frequent tokens of each feature are kept (default: all).
 * Errors: invalid_data, naming file:line.
 */
export async function prepareDataSet(
  path: string,
  options: { pastCampaigns?: boolean; maximumTokens?: number; onProgress?: (usersRead: number) => void } = {},
): Promise<PreparedDataSet> {
  const dataSet = openDataSet(path);
  const folder = mkdtempSync(join(tmpdir(), 'metaheac-population-'));
  const close = () => rmSync(folder, { recursive: true, force: true });
  try {
    const derived = new Map<string, ReadonlyMap<string, readonly string[]>>();
    const isGiven = dataSet.userFeatures.some(({ name }) => name === PAST_CAMPAIGNS);
    if (options.pastCampaigns && !isGiven) derived.set(PAST_CAMPAIGNS, await readPastCampaigns(dataSet));
    const userFeatures = [...dataSet.userFeatures, ...[...derived].map(([name, lists]) => derivedFeature(name, lists))];
    const { onProgress, maximumTokens = Number.POSITIVE_INFINITY } = options;
    await importPopulation({
      source: path,
      features: userFeatures,
      derived,
      out: folder,
      ...(onProgress ? { onProgress } : {}),
    });
    const population = openPopulation(folder);
    const history = await readHistory(dataSet, population.directory);
    const scaled = keepTokens(population, withScales(population, userFeatures), maximumTokens);
    return { dataSet, population, userFeatures: scaled, history, close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Maximum length of lists without a stated length; shorter lists are not cut. The maximum does not depend on typical
 * lengths, because cutting the longest lists would affect the users who are in the most campaigns. If buyers recur,
 * these are exactly the users for whom the next campaign looks.
 */
const MAXIMUM_LENGTH = 256;

function derivedFeature(name: string, lists: ReadonlyMap<string, readonly string[]>): Feature {
  return { name, kind: 'multi', maxLength: coveringLength(Int32Array.from(lists.values(), (list) => list.length)) };
}

/** The length of the longest list, at least 1 and at most `MAXIMUM_LENGTH`. */
export function coveringLength(lengths: Int32Array): number {
  return Math.min(
    lengths.reduce((a, b) => Math.max(a, b), 1),
    MAXIMUM_LENGTH,
  );
}
