/**
 * The port of user sets: seeds and suppression lists, their changes, and how they match a population.
 */
import type { IdBlocks } from '../id-blocks.ts';
import type { Change, ChangeOptions, ChangeReport, MatchedPopulation, MatchReport, SetOwner } from '../user-sets.ts';

/** The sorted ids of one upload of any size. The owner must close the collection. */
export interface CollectedIds {
  /** Number of ids added so far, including repetitions. */
  readonly received: number;
  /**
   * If an id is repeated, its last weight (default: 1) and its last features (JSON; default: none) count.
   * @throws AppError storage_failed
   */
  add(userId: string, weight?: number, features?: string): void;
  /**
   * All added ids, sorted, without repetitions. Call this method once, after the last `add`, and read the blocks to the
   * end.
   * @throws AppError storage_failed
   */
  blocks(): IdBlocks;
  close(): void;
}

/**
 * The user sets of a store. Every change is one commit, which either is durable when the call returns or did not
 * happen. A set that an expansion uses never changes, because each change creates a new set.
 */
export interface UserSets {
  /** Creates an empty collection for the ids of an upload. The caller must close the collection. */
  collect(): CollectedIds;

  /**
   * Replaces the owner's set with the collected ids, adds the ids to the set, or removes them from it. Concurrent
   * changes take effect one after another.
   * @throws AppError campaign_not_found; too_many_seeds (more than `maximumUsers`); storage_failed; any error that
   * `accept` throws
   */
  change(
    owner: SetOwner,
    how: Change,
    collected: CollectedIds,
    population: MatchedPopulation,
    maximumUsers: number,
    options?: ChangeOptions,
  ): Promise<ChangeReport>;

  /**
   * Removes the users who have expired by `now` from their lists. Each changed list gets one audit log entry and one
   * event. Returns the number of users.
   * @throws AppError storage_failed, unavailable; the other lists are changed anyway
   */
  removeExpired(now: number, population: MatchedPopulation): Promise<number>;

  /** The name of the owner's set; null if the owner has no set. @throws AppError campaign_not_found */
  find(owner: SetOwner): Promise<string | null>;

  /** Removes the owner's set. @throws AppError campaign_not_found, storage_failed, unavailable */
  clear(owner: SetOwner): Promise<void>;

  /**
   * How the owner's set matches the current population.
   * @throws AppError campaign_not_found, storage_failed
   */
  report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport>;

  /**
   * The ids in the owner's set that the population does not have, sorted, in blocks. Some blocks may be empty.
   * @throws AppError campaign_not_found, storage_failed
   */
  unknownOf(owner: SetOwner, population: MatchedPopulation): Promise<Generator<readonly string[], void, void>>;
}
