/** A thread that explains one audience. */

import { type ExplainedSeeds, type Explanation, type ExplanationLimits, explain } from '../../audience/explanation.ts';
import { openRanking } from '../../audience/ranking.ts';
import type { SetReader } from '../../domain/ports/expansions.ts';
import type { StoreLocator } from '../../domain/ports/store.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { AppError } from '../../lib/errors.ts';
import { hostThread } from '../../lib/threads/thread-host.ts';
import { hasVersion, openPopulation, type Population, readAddedRows } from '../../population/read.ts';
import { openStoreFiles } from '../../storage/open-store.ts';

/** The audience to explain, and its seeds. */
export interface ExplainTask {
  /** The blob folder of the audience's ranking. */
  readonly folder: string;
  readonly size: number;
  readonly populationVersion: string;
  /** The name of each user set that contains seeds of the audience. */
  readonly seedSets: readonly string[];
}

/** The data that the thread gets when it starts. */
export interface ExplainThreadData {
  /** The folder of all population versions. */
  readonly population: string;
  /** The store with rankings and user sets. */
  readonly store: StoreLocator;
  readonly limits: ExplanationLimits;
}

async function run(
  { folder, size, populationVersion, seedSets }: ExplainTask,
  { population, store, limits }: ExplainThreadData,
): Promise<Explanation> {
  if (!hasVersion(population, populationVersion)) {
    const message = `the audience was made with population ${populationVersion}, which no longer exists`;
    throw new AppError('population_unavailable', message, { facts: { population_version: populationVersion } });
  }
  const opened = openPopulation(population, { version: populationVersion, trusted: true });
  const files = await openStoreFiles(store);
  const seeds = await seedsOf(opened, files, seedSets);
  const ranking = await openRanking(files.blobs, folder);
  try {
    return await explain(opened, { ranking, size }, seeds, limits);
  } finally {
    ranking.close();
  }
}

/**
 * The users who are in at least one of the sets. Users who are not in the population version are left out unless they
 * have features.
 */
async function seedsOf(population: Population, files: SetReader, sets: readonly string[]): Promise<ExplainedSeeds> {
  const { directory, rowOf } = population;
  const numbers = new Set<UserNumber>();
  const absent = new Map<string, string>();
  for (const set of sets) {
    for (const block of await files.setBlocks(set)) {
      for (const [i, userId] of block.entries()) {
        const number = directory.find(userId);
        const features = block.features?.[i];
        if (number >= 0 && (rowOf[number] ?? -1) >= 0) numbers.add(number);
        else if (features !== undefined) absent.set(userId, features);
      }
    }
  }
  return absent.size === 0
    ? { numbers }
    : { numbers, rows: (await readAddedRows(population, [...absent.values()])).rows };
}

await hostThread((data: ExplainThreadData) => ({ run: (task: ExplainTask) => run(task, data), close() {} }));
