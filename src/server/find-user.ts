/** Users of the population version that is served. */
import type { Population } from '../population/population.ts';

/** The user's number; -1 where the population version does not have the user, even if an earlier one did. */
export function findUser({ directory, rowOf }: Pick<Population, 'directory' | 'rowOf'>, userId: string): number {
  const number = directory.find(userId);
  return number >= 0 && (rowOf[number] ?? -1) >= 0 ? number : -1;
}
