/** The users of an expansion: their roles, the adaptation task, and the users who are not ranked. */

import { leaveOutErased, type RoleIds } from '../../audience/find-roles.ts';
import type { SetReader } from '../../domain/ports/expansions.ts';
import type { Roles } from '../../domain/roles.ts';
import type { Job, Pins } from '../../domain/types.ts';
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

/** The adaptation task of a campaign, which depends only on these arguments. */
export function customiseTask(
  {
    features,
    filters,
    externalId,
    negativeWeight,
  }: Pick<Job, 'features' | 'filters' | 'externalId' | 'negativeWeight'>,
  pins: Pins,
  rows: Roles,
): CustomiseTask {
  const { seeds, seedWeights, candidates, dismissed } = rows;
  const key = planKey({ ...pins, features, filters, negativeWeight, ...decidingRows(rows) });
  const { populationVersion } = pins;
  const users = {
    seeds,
    ...(seedWeights && { seedWeights }),
    candidates,
    dismissed,
    negativeWeight,
    outside: outsideOf(rows),
  };
  return { kind: 'customise', populationVersion, key, features, externalId, ...users };
}

/** The rows that an expansion's random numbers depend on, in addition to the filters. */
export function decidingRows({ seeds, seedWeights, suppressed, dismissed, dismissedOutside }: Roles) {
  // dismissed users are negatives even if they do not fit the filters
  const all = dismissedOutside.length === 0 ? dismissed : Int32Array.from([...dismissed, ...dismissedOutside]).sort();
  return { seeds, seedWeights, suppressed, dismissed: all };
}

/** The users who do not fit the filters, as an input of an adaptation; null if the filters exclude no user. */
export function outsideOf(rows: Roles): Outside | null {
  const { filtered, seedsOutside: seeds, dismissedOutside: dismissed } = rows;
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
