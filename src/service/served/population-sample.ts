/** Picks a few users of a population for trying out the service; repeated calls return the same users. */
import { setImmediate } from 'node:timers/promises';
import { untilRead } from '../../domain/ports/blobs.ts';
import type { UserNumber } from '../../lib/brands.ts';
import { type Column, isTokenColumn, type Population, startOf } from '../../population/read.ts';
import type { FeatureValue } from '../ports/populations.ts';

/**
 * Ids of the first `size` users, or of the first `size` users with the value `wanted`; fewer ids if there are not
 * enough users. Other requests are served between segments. @throws AppError invalid_population
 */
export async function sampleUsers(
  population: Population,
  size: number,
  wanted: FeatureValue | null,
): Promise<string[]> {
  const { directory, segmentCount } = population;
  const code = wanted === null ? 0 : population.dictionary(wanted.feature).find(wanted.value);
  const userIds: string[] = [];
  if (wanted !== null && code === 0) return userIds;
  for (let index = 0; index < segmentCount && userIds.length < size; index++) {
    const { count, userNumbers, columns } = await untilRead(() => population.readSegment(index));
    const column = wanted === null ? null : columns.get(wanted.feature)!;
    for (let row = 0; row < count && userIds.length < size; row++) {
      const user = userNumbers[row]! as UserNumber;
      if (directory.isErased(user) || (column !== null && !hasCode(column, row, code))) continue;
      userIds.push(directory.id(user));
    }
    await setImmediate();
  }
  return userIds;
}

function hasCode(column: Column, row: number, code: number): boolean {
  if (!isTokenColumn(column)) return false;
  const end = startOf(column, row + 1);
  for (let at = startOf(column, row); at < end; at++) if (column.codes[at] === code) return true;
  return false;
}
