/**
 * The port of user sets: seeds and suppression lists that are replaced, added to and taken from, and how they match a
 * population.
 */
import type {
  Change,
  ChangeOptions,
  ChangeReport,
  IdBlocks,
  MatchedPopulation,
  MatchReport,
  SetOwner,
} from '../set-types.ts';

/** Ids of one upload, sorted whatever their number. Who has one closes it. */
export interface CollectedIds {
  /** Ids added so far, repetitions included. */
  readonly received: number;
  /** @throws AppError storage_failed */
  add(userId: string): void;
  /**
   * All that was added, once; called (and read to its end) once, after the last `add`. @throws AppError storage_failed
   */
  blocks(): IdBlocks;
  close(): void;
}

/**
 * Every change is one commit: it is durable when the call returns, or there was none. A set that an expansion uses
 * stays as it is: changes make another one.
 */
export interface UserSets {
  /** Where the ids of an upload are collected. Who makes one closes it. */
  collect(): CollectedIds;

  /**
   * Replaces the owner's set by the ids collected, adds them to it, or takes them from it. Changes made at once have
   * their effects one after the other.
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

  /** The sha256 of the owner's set; null where there is none. @throws AppError campaign_not_found */
  find(owner: SetOwner): string | null;

  /** Takes the owner's set away. @throws AppError campaign_not_found, storage_failed, unavailable */
  clear(owner: SetOwner): void;

  /** How the owner's set matches now. @throws AppError campaign_not_found, storage_failed */
  report(owner: SetOwner, population: MatchedPopulation): Promise<MatchReport>;

  /**
   * The ids of the owner's set that the population does not have, sorted, in blocks of which some are empty.
   * @throws AppError campaign_not_found, storage_failed
   */
  unknownOf(owner: SetOwner, population: MatchedPopulation): Generator<readonly string[], void, void>;

  /** Removes the sets that nothing refers to. */
  removeUnused(): void;

  /** Removes what killed processes left. Only while nobody writes: at the start of a service. */
  removeLeftovers(): void;
}
