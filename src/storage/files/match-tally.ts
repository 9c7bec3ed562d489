/** Counts how many of the given user ids exist in a population. */
import { setImmediate } from 'node:timers/promises';
import {
  type IdBlocks,
  type MatchedPopulation,
  type Matches,
  refuseMoreUsers,
  UNKNOWN_EXAMPLES,
} from '../../domain/user-sets.ts';

/** Counts the known and unknown ids in a stream of blocks. */
export class MatchTally {
  readonly #population: MatchedPopulation;
  readonly #maximumUsers: number;
  readonly #onUnknown: ((userId: string) => void) | undefined;
  readonly #examples: string[] = [];
  #known = 0;
  #unknown = 0;

  /**
   * Without a maximum, any number of users is accepted. `onUnknown` is called with each id that is not in the
   * population.
   */
  constructor(
    population: MatchedPopulation,
    maximumUsers = Number.POSITIVE_INFINITY,
    onUnknown?: (userId: string) => void,
  ) {
    this.#population = population;
    this.#maximumUsers = maximumUsers;
    this.#onUnknown = onUnknown;
  }

  /**
   * Passes the blocks through and counts their ids.
   * @throws AppError too_many_seeds
   */
  *over(blocks: IdBlocks): Generator<readonly string[], void, void> {
    for (const block of blocks) {
      for (const userId of block) this.#count(userId);
      refuseMoreUsers(this.#known + this.#unknown, this.#maximumUsers);
      yield block;
    }
  }

  matches(): Matches {
    return { known: this.#known, unknown: this.#unknown, unknownExamples: this.#examples };
  }

  #count(userId: string): void {
    if (this.#population.has(userId)) {
      this.#known += 1;
      return;
    }
    this.#unknown += 1;
    if (this.#examples.length < UNKNOWN_EXAMPLES) this.#examples.push(userId);
    this.#onUnknown?.(userId);
  }
}

/** Counts the ids of `blocks` that match the population; other work can run between two blocks. */
export async function tallyOf(
  blocks: IdBlocks,
  population: MatchedPopulation,
  onUnknown?: (userId: string) => void,
): Promise<Matches> {
  const tally = new MatchTally(population, Number.POSITIVE_INFINITY, onUnknown);
  for (const _ of tally.over(blocks)) await setImmediate();
  return tally.matches();
}
