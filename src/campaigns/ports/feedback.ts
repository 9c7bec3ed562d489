/** The port of feedback: what users did in a campaign, from which its next expansion learns. */
import type { FeedbackCounts, FeedbackEvent, FeedbackReport } from '../types.ts';

export interface Feedback {
  /**
   * Takes events in any order: of one user the latest counts, of the same time the one that came last. All are on the
   * disk when this settles; where it throws some may be, and sent again they change nothing.
   * @throws AppError campaign_not_found, unavailable, storage_failed
   */
  addFeedback(id: string, events: readonly FeedbackEvent[]): Promise<FeedbackReport>;

  /** Users by their last event. @throws AppError campaign_not_found */
  feedbackOf(id: string): FeedbackCounts;

  /** Removes the feedback of campaigns that were deleted, in slices between which others have their turn. */
  removeUnusedFeedback(): Promise<void>;
}
