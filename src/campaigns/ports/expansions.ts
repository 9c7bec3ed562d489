/** The port of expansions as callers see them: made, read, cancelled. Who works at them uses `Jobs`. */
import type { IdBlocks } from '../set-types.ts';
import type { Audience, Expansion, ExpansionSets, Page, PageQuery } from '../types.ts';

export interface Expansions {
  /**
   * Queues an expansion of the campaign's inputs as they are now; one that has not ended is superseded.
   * @throws AppError campaign_not_found, no_seeds, unavailable, storage_failed
   */
  expand(id: string): Promise<Expansion>;

  /**
   * Queues the expansions that refresh policies ask for by now; returns their number. One that cannot be queued keeps
   * no other from it: its error is thrown when all others are queued.
   */
  expandDue(populationVersion: string): Promise<number>;

  /**
   * Ends an expansion that has not ended; one that was cancelled already is returned as it is.
   * @throws AppError campaign_not_found, expansion_not_found, expansion_ended (facts: state), storage_failed,
   * unavailable
   */
  cancel(campaignId: string, expansionId: string): Expansion;

  /** @throws AppError campaign_not_found, expansion_not_found */
  expansion(campaignId: string, expansionId: string): Expansion;

  /** Newest first. @throws AppError campaign_not_found, invalid_cursor */
  expansionsOf(campaignId: string, query: PageQuery): Page<Expansion>;

  /** The user sets that an audience version's ranking was made with. @throws AppError expansion_not_found */
  setsOf(audience: Pick<Audience, 'expansionId'>): ExpansionSets;
}

/** Reads the sets that expansions name. */
export interface SetReader {
  /**
   * The users of a set, sorted, a block at a time; open from the first block on, so that a set that is removed
   * meanwhile is read whole.
   * @throws AppError storage_failed where the set is gone, or, after the last block, where it was altered
   */
  setBlocks(sha256: string): IdBlocks;
}
