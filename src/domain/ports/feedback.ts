/** The port of feedback: users' actions in a campaign, from which the campaign's next expansion learns. */
import type { PendingAction } from '../audit.ts';
import type { FeedbackCounts, FeedbackEvent, FeedbackReport } from '../feedback.ts';

export interface Feedback {
  /**
   * Records events in any order. Only a user's latest event counts; among events with the same time, the one received
   * last. When the promise resolves, all events are on disk with the audit log entry. Sending events again is harmless.
   * @throws AppError campaign_not_found, unavailable, storage_failed
   */
  addFeedback(id: string, events: readonly FeedbackEvent[], action?: PendingAction | null): Promise<FeedbackReport>;

  /**
   * Number of users by their latest event.
   * @throws AppError campaign_not_found
   */
  feedbackOf(id: string): Promise<FeedbackCounts>;

  /**
   * At most `limit` users whose latest event is a conversion or a click.
   * @throws AppError campaign_not_found
   */
  respondersOf(id: string, limit: number): Promise<readonly string[]>;

  /**
   * Periodic clean-up: removes feedback and conversions of deleted campaigns that were left behind because a process
   * was killed or the disk was full. Works in slices, so other work can run in between.
   */
  removeUnusedFeedback(): Promise<void>;
}
