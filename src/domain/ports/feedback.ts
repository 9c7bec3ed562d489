/** The port of feedback: what users did in a campaign, from which its next expansion learns. */
import type { PendingAction } from '../audit.ts';
import type { FeedbackCounts, FeedbackEvent, FeedbackReport } from '../feedback.ts';

export interface Feedback {
  /**
   * Takes events in any order: a user's latest event counts, and among equal times the last one received. All are on
   * disk when this settles; if it throws, some may be, and sending them again changes nothing. The action's entry in
   * the audit log is written with the first of them.
   * @throws AppError campaign_not_found, unavailable, storage_failed
   */
  addFeedback(id: string, events: readonly FeedbackEvent[], action?: PendingAction | null): Promise<FeedbackReport>;

  /** Users by their last event. @throws AppError campaign_not_found */
  feedbackOf(id: string): FeedbackCounts;

  /** Users whose last event is a conversion or a click, at most `limit`. @throws AppError campaign_not_found */
  respondersOf(id: string, limit: number): readonly string[];

  /**
   * Periodic clean-up: removes feedback of deleted campaigns that a killed process or a full disk left behind, in
   * slices between which other work can run.
   */
  removeUnusedFeedback(): Promise<void>;
}
