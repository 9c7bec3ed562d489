/**
 * The port of erasure, which removes everything that the store has about a user, except rankings, which contain no ids.
 */

import type { PendingAction } from '../audit.ts';

/** What was erased, for the record, without user ids. */
export interface ErasedData {
  /** Distinct ids, whether or not anything was known about them. */
  readonly users: number;
  /** User sets that contained one of them: seeds, suppression lists, and sets of expansions. */
  readonly sets: number;
  /** Feedback events. */
  readonly feedback: number;
  /** Responses kept for repeated requests. */
  readonly answers: number;
}

export interface UserErasure {
  /**
   * Records ids to be erased, so that this process or the next can complete the erasure. The audit log entries of these
   * actions are part of the same commit.
   */
  requestErasure(userIds: readonly string[], actions?: readonly PendingAction[]): void;

  /** At most `limit` recorded ids that are not erased yet. */
  requestedErasures(limit: number): string[];

  /**
   * Removes users from all sets, feedback, examples of unknown ids and stored responses, records the erasures, and
   * removes the requests for them. Everything is done when this settles; repeating it has no effect. References move to
   * the new sets, so no campaign needs an expansion because of an erasure; an expansion that is reading a replaced set
   * is attempted again. Data that callers send about these users later is kept as for any unknown user.
   * @throws AppError unavailable (too much feedback is waiting, or another process writes for too long), storage_failed
   */
  eraseUsers(userIds: readonly string[]): Promise<ErasedData>;
}
