/** The port of erasure: everything that the store has about a user, except rankings, which have no ids. */

import type { PendingAction } from '../audit.ts';

/** What was erased, for the record: it names nobody. */
export interface ErasedData {
  /** Distinct ids, whether anything was known of them or not. */
  readonly users: number;
  /** User sets that had one of them: seeds, suppression lists, and those that expansions were made with. */
  readonly sets: number;
  /** Events of feedback. */
  readonly feedback: number;
  /** Responses kept for repeated requests. */
  readonly answers: number;
}

export interface UserErasure {
  /**
   * Notes ids that are to be erased, for whoever completes it: this process, or the next. The entries of these actions
   * in the audit log are written with that.
   */
  requestErasure(userIds: readonly string[], actions?: readonly PendingAction[]): void;

  /** Ids that were noted and are not erased yet, at most `limit`. */
  requestedErasures(limit: number): string[];

  /**
   * Removes users from all sets, feedback, counts' examples and kept responses, records that, and forgets their
   * requests: done when this settles, and done again without effect otherwise. References move to the new sets, so no
   * campaign needs an expansion for it; an attempt that reads a set at this moment is made again. What callers send
   * meanwhile or later about these users is kept as for any unknown user.
   * @throws AppError unavailable (too much feedback waits; another process writes for too long), storage_failed
   */
  eraseUsers(userIds: readonly string[]): Promise<ErasedData>;
}
