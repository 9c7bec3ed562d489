/** What users did with an audience, as callers report it. */

export const FEEDBACK_EVENTS = ['conversion', 'click', 'dismissal'] as const;

/** One action of a user. */
export interface FeedbackEvent {
  readonly userId: string;
  readonly event: (typeof FEEDBACK_EVENTS)[number];
  /** Milliseconds since 1970. */
  readonly happenedAt: number;
  readonly isNow?: boolean; // came as it happened: it is the user's last, wherever the clock is
}

/** Users by their last event. */
export type FeedbackCounts = Readonly<Record<FeedbackEvent['event'], number>>;

/** The result of recording events. */
export interface FeedbackReport {
  readonly received: number;
  /** Events that are now their user's latest. */
  readonly taken: number;
  /** Events older than their user's latest: nothing changed. */
  readonly outdated: number;
  readonly users: FeedbackCounts;
}
