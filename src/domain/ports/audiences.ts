/** The port of audience versions, including which version is active and how the active version changed. */
import type { Window } from '../conversions.ts';
import type { Changes, Page, PageQuery } from '../pages.ts';
import type { Audience } from '../types.ts';
import type { Accept } from './accept.ts';

export interface Audiences {
  /**
   * The active audience of a campaign. This method is called for each look-up, so it must take microseconds, and return
   * the audience at once, as long as no active version changes. Commits of other processes must be visible by the next
   * turn of the event loop.
   * @throws AppError campaign_not_found, audience_not_ready (facts: state, retry_after in seconds)
   */
  activeAudience(id: string): Audience | Promise<Audience>;

  /**
   * The active audiences of all campaigns, oldest campaign first. Returns the same array object until an active version
   * changes. This method is as fast as `activeAudience`.
   */
  activeAudiences(): Promise<readonly Audience[]>;

  /** @throws AppError campaign_not_found, audience_not_found */
  audienceVersion(id: string, version: number): Promise<Audience>;

  /** A campaign's audience versions, newest first. @throws AppError campaign_not_found, invalid_cursor */
  audienceVersions(id: string, query: PageQuery): Promise<Page<Audience>>;

  /**
   * Activates an existing audience version. The change and its event are written in one commit. `accept` is called with
   * the version that is active before the change; null if no version is active.
   * @throws AppError campaign_not_found, audience_not_found, storage_failed, unavailable; any error that `accept`
   * throws
   */
  activate(id: string, version: number, accept?: Accept<number | null>): Promise<Audience>;

  /**
   * The distinct hold-out percentages of the versions that were active at some time in a window, in ascending order.
   * Deleted versions do not count.
   * @throws AppError storage_failed
   */
  holdoutPercentsIn(id: string, window: Window): Promise<readonly number[]>;

  /**
   * Changes of active versions after a cursor, oldest first. Without a cursor, the list begins with the first change.
   * @throws AppError invalid_cursor
   */
  changes(since: string | undefined, limit: number): Promise<Changes>;
}
