/** The users of an expansion: their roles, the adaptation task, and the users who are not ranked. */

import { type FoundRoles, leaveOutErased, type RoleIds } from '../../audience/find-roles.ts';
import type { Filters } from '../../domain/features.ts';
import type { SetReader } from '../../domain/ports/expansions.ts';
import { exclusionsOf, refuseExcludedFilters } from '../../domain/special-categories.ts';
import type { Job } from '../../domain/types.ts';
import type { SpecialCategory } from '../../lib/special-categories.ts';
import type { Outside } from '../../online/negatives.ts';
import { planKey } from '../../online/plan.ts';
import type { Population } from '../../population/read.ts';
import type { CustomiseTask } from '../thread-tasks.ts';

/** The user ids from an expansion's sets, by the role that they determine. */
export async function roleIdsOf(store: SetReader, { sets }: Pick<Job, 'sets'>): Promise<RoleIds> {
  const blocks = (...shas: (string | null)[]) =>
    Promise.all(shas.flatMap((sha) => (sha === null ? [] : [store.setBlocks(sha)])));
  return {
    seeds: await blocks(sets.seeds, sets.positives),
    dismissed: await blocks(sets.dismissed, sets.negatives),
    suppressed: await blocks(sets.suppression, sets.commonSuppression),
  };
}

/**
 * The adaptation task of a campaign. It depends only on these arguments.
 * @throws AppError unlabelled_category, excluded_filter
 */
export function customiseTask(
  {
    features,
    filters,
    externalId,
    category,
    negativeWeight,
  }: Pick<Job, 'features' | 'filters' | 'externalId' | 'category' | 'negativeWeight'>,
  modelVersion: string,
  population: Population,
  rows: FoundRoles,
): CustomiseTask {
  const { seedWeights, candidates, dismissed, seedRows } = rows;
  const { version: populationVersion } = population;
  const masked = maskedIn(population, category, filters);
  const pins = { modelVersion, populationVersion };
  const key = planKey({ ...pins, features, filters, negativeWeight, masked, ...decidingRows(rows) });
  const users = {
    seeds: learnedSeeds(rows),
    ...(seedWeights && { seedWeights }),
    ...(seedRows && { seedRows: { firstRow: seedRows.firstRow, rows: seedRows.rows } }),
    candidates,
    dismissed,
    negativeWeight,
    outside: outsideOf(rows),
  };
  return { kind: 'customise', populationVersion, key, features, externalId, category, ...users };
}

/**
 * What the category masks, for the key of the expansion; null without a category.
 * @throws AppError unlabelled_category, excluded_filter
 */
export function maskedIn(population: Population, category: SpecialCategory | null, filters: Filters) {
  const mask = exclusionsOf(population, category);
  refuseExcludedFilters(mask, filters);
  return mask && { mask, usersSum: population.usersSum };
}

/** The population version and category of a task with a mask, because its key does not cover them. */
export function maskedVersion({ category, populationVersion }: CustomiseTask): string[] {
  return category === null ? [] : [populationVersion, category];
}

/** The rows of all seeds, ascending. Seeds who are not in the population version come last. */
export function learnedSeeds({ seeds, seedRows }: FoundRoles): Int32Array {
  if (!seedRows) return seeds;
  const { firstRow, rows } = seedRows;
  return Int32Array.from([...seeds, ...Array.from({ length: rows.count }, (_, i) => firstRow + i)]);
}

/** The rows that an expansion's random numbers depend on, in addition to the filters. */
export function decidingRows({ seeds, seedWeights, seedRows, suppressed, dismissed, dismissedOutside }: FoundRoles) {
  // dismissed users are negatives even if they do not fit the filters
  const all = dismissedOutside.length === 0 ? dismissed : Int32Array.from([...dismissed, ...dismissedOutside]).sort();
  return { seeds, seedWeights, seedRows: seedRows?.sha256, suppressed, dismissed: all };
}

/** The users who do not fit the filters, as an input of an adaptation; null if the filters exclude no user. */
export function outsideOf(rows: FoundRoles): Outside | null {
  const { filtered, seedsOutside, dismissedOutside: dismissed, seedRows } = rows;
  const seeds = seedRows ? Int32Array.from([...seedsOutside, ...seedRows.filtered]) : seedsOutside;
  if (filtered.length + seeds.length === 0) return null;
  // if all seeds fit the filters, the users who do not fit (perhaps millions) are not needed
  if (seeds.length === 0) return { seeds, others: new Int32Array(0), dismissed: new Int32Array(0) };
  return { seeds, others: filtered, dismissed };
}

/** Sets the scores of these rows and of erased users to NaN, because these users are not candidates. */
export function leaveOut(population: Population, unranked: readonly Int32Array[], scores: Float32Array): void {
  const { rowCount, rowOf } = population;
  const isOut = new Uint8Array(rowCount);
  for (const rows of unranked) for (const row of rows) isOut[row] = 1;
  for (let number = 0; number < scores.length; number++) if (isOut[rowOf[number]!] === 1) scores[number] = Number.NaN;
  leaveOutErased(population, scores);
}
