/** The actions of users in response to an audience, as reported by callers. */

export const FEEDBACK_EVENTS = ['conversion', 'click', 'dismissal'] as const;

/** One action of a user, such as a click. */
export interface FeedbackEvent {
  readonly userId: string;
  readonly event: (typeof FEEDBACK_EVENTS)[number];
  /** The time in milliseconds since 1970. */
  readonly happenedAt: number;
  /** Whether the event is reported live. Such an event becomes the user's latest event, even if its time is earlier. */
  readonly isNow?: boolean;
}

/** Number of users by their latest event. */
export type FeedbackCounts = Readonly<Record<FeedbackEvent['event'], number>>;

/** The result of recording events. */
export interface FeedbackReport {
  readonly received: number;
  /** Number of events that became the latest event of their user. */
  readonly taken: number;
  /** Number of events that changed nothing because they are older than their user's latest event. */
  readonly outdated: number;
  readonly users: FeedbackCounts;
}

/** A user's latest event, as it is stored. */
export type LastEvent = Pick<FeedbackEvent, 'event' | 'happenedAt'>;

/**
 * Returns what to write if an event becomes its user's latest; `null` if nothing changes. Of two events with the same
 * time, the event that is received later counts as the latest.
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
