/** The port of audience versions: which one is active, and how that changed. */
import type { Audience, Changes, Page, PageQuery } from '../types.ts';

export interface Audiences {
  /**
   * The active audience. Called for each look-up, so it must take microseconds as long as no active version changes.
   * Commits of other processes are visible in the next turn of the event loop at the latest.
   * @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds)
   */
  activeAudience(id: string): Audience;

  /**
   * The active audiences of all campaigns, oldest campaign first. Returns the same array until an active version
   * changes. As fast as `activeAudience`.
   */
  activeAudiences(): readonly Audience[];

  /** @throws AppError campaign_not_found, audience_not_found */
  audienceVersion(id: string, version: number): Audience;

  /** Newest first. @throws AppError campaign_not_found, invalid_cursor */
  audienceVersions(id: string, query: PageQuery): Page<Audience>;

  /**
   * Makes a kept version the active one; the change and its event are one commit.
   * @throws AppError campaign_not_found, audience_not_found, storage_failed, unavailable
   */
  activate(id: string, version: number): Audience;

  /**
   * Changes of active versions after a cursor, oldest first; without a cursor, from the first one on.
   * @throws AppError invalid_cursor
   */
  changes(since: string | undefined, limit: number): Changes;
}
