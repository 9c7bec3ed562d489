/** The port of feedback: what users did in a campaign, which its next expansion learns from. */
import type { PendingAction } from '../audit.ts';
import type { FeedbackCounts, FeedbackEvent, FeedbackReport } from '../feedback.ts';

export interface Feedback {
  /**
   * Takes events in any order: a user's latest event counts and, among events at the same time, the last one received.
   * All events are on disk when this settles; if it throws, some of them may be, and sending them again is harmless.
   * The action's entry in the audit log is written with the first of them.
   * @throws AppError campaign_not_found, unavailable, storage_failed
   */
  addFeedback(id: string, events: readonly FeedbackEvent[], action?: PendingAction | null): Promise<FeedbackReport>;

  /**
   * Number of users by their last event.
   * @throws AppError campaign_not_found
   */
  feedbackOf(id: string): FeedbackCounts;

  /**
   * At most `limit` users whose last event is a conversion or a click.
   * @throws AppError campaign_not_found
   */
  respondersOf(id: string, limit: number): readonly string[];

  /**
   * Periodic clean-up: removes feedback of deleted campaigns that a killed process or a full disk left behind, in
   * slices that let other work run in between.
   */
  removeUnusedFeedback(): Promise<void>;
}
