/**
 * The port of erasure, which removes everything that the store knows about a user. Rankings remain because they contain
 * no user ids.
 */

import type { PendingAction } from '../audit.ts';

/** Counts of what was erased, for the audit log, without user ids. */
export interface ErasedData {
  /** Number of distinct user ids, whether or not the store knew anything about them. */
  readonly users: number;
  /** Number of user sets that contained an erased user: seeds, suppression lists, and sets of expansions. */
  readonly sets: number;
  /** Number of erased feedback events and conversions. */
  readonly feedback: number;
  /** Number of erased responses that were stored for repeated requests. */
  readonly answers: number;
}

export interface UserErasure {
  /**
   * Records ids that are to be erased, so that this process or the next process can complete the erasure. The audit log
   * entries of the erasures are part of the same commit.
   */
  requestErasure(userIds: readonly string[], actions?: readonly PendingAction[]): Promise<void>;

  /** At most `limit` ids that were recorded but are not erased yet. */
  requestedErasures(limit: number): Promise<string[]>;

  /**
   * Removes users from all sets, feedback, conversions, examples of unknown ids and stored responses. Also records the
   * erasures and removes the erasure requests. The erasure is complete when the promise resolves; repeating it has no
   * effect. References move to the new sets, so an erasure causes no new expansion. An expansion that is reading a
   * replaced set is retried. If callers later send data about these users, they are treated like any unknown user.
   * @throws AppError unavailable (too much feedback is waiting, or another process writes for too long), storage_failed
   */
  eraseUsers(userIds: readonly string[]): Promise<ErasedData>;
}
