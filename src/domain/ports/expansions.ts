/** The port of expansions as callers see them: created, read, cancelled. Workers use `Jobs`. */

import type { Audience, Expansion, ExpansionSets, IdempotentRequest, Page, PageQuery } from '../types.ts';
import type { IdBlocks } from '../user-sets.ts';

export interface Expansions {
  /**
   * Queues an expansion of the campaign's current inputs; one that has not ended is superseded. The response stored
   * for `once` is of the same commit.
   * @throws AppError campaign_not_found, no_seeds, unavailable, storage_failed
   */
  expand(id: string, once?: IdempotentRequest<Expansion>): Promise<Expansion>;

  /**
   * Queues the expansions that are due by refresh policies; returns their number. One that cannot be queued does not
   * affect the others: its error is thrown when all others are queued.
   */
  expandDue(populationVersion: string): Promise<number>;

  /**
   * Ends an expansion that has not ended; one that was already cancelled is returned unchanged.
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
   * The users of a set, sorted, one block at a time; the file is open from the first block on, so that a set removed
   * meanwhile is still read completely.
   * @throws AppError storage_failed if the set is gone or, after the last block, if it was altered
   */
  setBlocks(sha256: string): IdBlocks;
}
