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

/** What a sequence of events changes: the number of users by their latest event, and how many events were taken. */
export class FeedbackChange {
  readonly #counts = { conversion: 0, click: 0, dismissal: 0 };
  #taken = 0;

  /** Decides on one event. Returns what to write as the user's latest event; `null` if nothing changes. */
  take(before: LastEvent | undefined, event: FeedbackEvent): LastEvent | null {
    const { isTaken, last } = decideFeedback(before, event);
    if (isTaken) this.#taken += 1;
    if (last === null) return null;
    if (before !== undefined) this.#counts[before.event] -= 1;
    this.#counts[last.event] += 1;
    return last;
  }

  /** Number of events that became the latest event of their user. */
  get taken(): number {
    return this.#taken;
  }

  /** By how much the number of users by latest event changes. */
  get counts(): FeedbackCounts {
    return this.#counts;
  }
}
