/** The port of expansions for callers: create, read, cancel. Workers use `Jobs`. */
import type { IdBlocks } from '../id-blocks.ts';
import type { IdempotentRequest } from '../idempotency.ts';
import type { Page, PageQuery } from '../pages.ts';
import type { Audience, Expansion, ExpansionSets } from '../types.ts';

export interface Expansions {
  /**
   * Queues an expansion that uses the campaign's current inputs. A running expansion of the campaign is superseded. The
   * response stored for `once` is part of the same commit.
   * @throws AppError campaign_not_found, no_seeds, unavailable, storage_failed; AnsweredBefore as `Campaigns.create`
   */
  expand(id: string, once?: IdempotentRequest<Expansion>): Promise<Expansion>;

  /**
   * Queues the expansions that are due by refresh policies; returns their number. If the population version is null, no
   * expansion is due because of it. If an expansion cannot be queued, the error is thrown after all other expansions
   * have been queued.
   */
  expandDue(populationVersion: string | null): Promise<number>;

  /**
   * Cancels an expansion that has not ended. An expansion that was already cancelled is returned unchanged.
   * @throws AppError campaign_not_found, expansion_not_found, expansion_ended (facts: state), storage_failed,
   * unavailable
   */
  cancel(campaignId: string, expansionId: string): Promise<Expansion>;

  /** @throws AppError campaign_not_found, expansion_not_found */
  expansion(campaignId: string, expansionId: string): Promise<Expansion>;

  /** A campaign's expansions, newest first. @throws AppError campaign_not_found, invalid_cursor */
  expansionsOf(campaignId: string, query: PageQuery): Promise<Page<Expansion>>;

  /**
   * The user sets that were used to make an audience version's ranking.
   * @throws AppError expansion_not_found
   */
  setsOf(audience: Pick<Audience, 'expansionId'>): Promise<ExpansionSets>;
}

/** Reads the user sets of expansions. */
export interface SetReader {
  /**
   * The users of a set, sorted, one block at a time. The set's file is opened when the first block is read, so a set
   * that is removed later can still be read in full.
   * @throws AppError storage_failed if the set is gone or, after the last block, if the set was altered
   */
  setBlocks(name: string): Promise<IdBlocks>;
}
