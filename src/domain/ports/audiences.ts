/** The port of audience versions: which is active, and how that changed. */
import type { Audience, Changes, Page, PageQuery } from '../types.ts';

export interface Audiences {
  /**
   * The active audience. Look-ups call it for each request: it must take microseconds if no active version changed in
   * between. What another process commits is seen in the next turn of the event loop at the latest.
   * @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds)
   */
  activeAudience(id: string): Audience;

  /**
   * Of all campaigns, oldest campaign first; the same list until an active version changes. As fast as
   * `activeAudience`.
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
   * Changes of active versions after a cursor, oldest first; without a cursor, from the first one on. @throws AppError
   * invalid_cursor
   */
  changes(since: string | undefined, limit: number): Changes;
}
