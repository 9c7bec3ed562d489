/** What users did with an audience, as callers report it. */

export const FEEDBACK_EVENTS = ['conversion', 'click', 'dismissal'] as const;

/** One action of a user. */
export interface FeedbackEvent {
  readonly userId: string;
  readonly event: (typeof FEEDBACK_EVENTS)[number];
  /** Milliseconds since 1970. */
  readonly happenedAt: number;
  /** Whether the event is reported as it happens: then it is the user's last event, whatever the clock says. */
  readonly isNow?: boolean;
}

/** Number of users by their last event. */
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

/** A user's last event, as it is kept. */
export type LastEvent = Pick<FeedbackEvent, 'event' | 'happenedAt'>;

/**
 * Whether an event is now its user's last event, and what to write: `null` if nothing changes. Of two events at the
 * same time, the one received later is the last.
 */
export function decideFeedback(
  before: LastEvent | undefined,
  { event, isNow = false, ...times }: FeedbackEvent,
): { readonly isTaken: boolean; readonly last: LastEvent | null } {
  const happenedAt = Math.max(times.happenedAt, isNow ? (before?.happenedAt ?? 0) : 0);
  if (before !== undefined && before.happenedAt > happenedAt) return { isTaken: false, last: null };
  const isSame = before?.event === event && before.happenedAt === happenedAt;
  return { isTaken: true, last: isSame ? null : { event, happenedAt } };
}
