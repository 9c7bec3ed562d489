/**
 * The port of leadership: of all processes that share a store, one at a time does the work that must happen once, such
 * as refreshes and webhooks.
 */

export interface Leadership {
  /** Whether this process leads, as far as it knows. Only a process that has called `lead` or `onLead` ever leads. */
  readonly isLeader: boolean;

  /**
   * Runs `work` if this process leads; otherwise returns null at once. A process can lose leadership without noticing,
   * so the store checks it: a transaction of `work` that would commit after another process began to lead is refused.
   * @throws AppError unavailable in that case; any error of `work`
   */
  lead<T>(work: () => Promise<T>): Promise<T | null>;

  /** Calls `listener` each time this process begins to lead. */
  onLead(listener: () => void): void;
}

/** The only process of an embedded store always leads. */
export const SOLE_LEADER: Leadership = { isLeader: true, lead: (work) => work(), onLead: () => {} };
