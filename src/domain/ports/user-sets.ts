/**
 * The port of user sets: seeds and suppression lists, their changes, and how they match a population.
 */
import type {
  Change,
  ChangeOptions,
  ChangeReport,
  IdBlocks,
  MatchedPopulation,
  MatchReport,
  SetOwner,
} from '../user-sets.ts';

/** The sorted ids of one upload of any size. The owner must close it. */
export interface CollectedIds {
  /** Ids added so far, including repetitions. */
  readonly received: number;
  /** @throws AppError storage_failed */
  add(userId: string): void;
  /**
   * All added ids, without repetitions. Must be called (and read to its end) once, after the last `add`.
   * @throws AppError storage_failed
   */
  blocks(): IdBlocks;
  close(): void;
}

/**
 * Every change is one commit: it is durable when the call returns, or did not happen. A set that an expansion uses
 * never changes: a change creates a new set.
 */
export interface UserSets {
  /** Creates a collection of the ids of an upload. The caller must close it. */
  collect(): CollectedIds;

  /**
   * Replaces the owner's set with the collected ids, adds them to it, or removes them from it. Concurrent changes take
   * effect one after another.
   * @throws AppError campaign_not_found; too_many_seeds (more than `maximumUsers`); storage_failed; what `accept`
   * throws
   */
  change(
    owner: SetOwner,
    how: Change,
    collected: CollectedIds,
    population: MatchedPopulation,
    maximumUsers: number,
    options?: ChangeOptions,
  ): Promise<ChangeReport>;

  /** The sha256 of the owner's set; null if there is none. @throws AppError campaign_not_found */
  find(owner: SetOwner): string | null;

  /** Removes the owner's set. @throws AppError campaign_not_found, storage_failed, unavailable */
  clear(owner: SetOwner): void;

  /**
   * How the owner's set matches the population now.
   * @throws AppError campaign_not_found, storage_failed
   */
  report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport>;

  /**
   * The ids of the owner's set that the population does not have, sorted, in blocks, some of which are empty.
   * @throws AppError campaign_not_found, storage_failed
   */
  unknownOf(owner: SetOwner, population: MatchedPopulation): Generator<readonly string[], void, void>;

  /** Removes the sets that nothing refers to. */
  removeUnused(): void;

  /** Removes leftovers of killed processes. Only safe while nobody writes: at the start of a service. */
  removeLeftovers(): void;
}
