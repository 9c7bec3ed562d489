/** The port of the audit log, which is append-only. */
import type { AuditEntry, AuditQuery, PendingAction } from '../audit.ts';
import type { Page } from '../types.ts';

export interface AuditLog {
  /**
   * Runs `work` and records the action in the first transaction that `work` commits before it returns: both are on disk
   * or neither. What `work` does after an `await` is not included. The entry names the resource that `work` creates, if
   * any.
   */
  during<T>(pending: PendingAction, work: () => T): T;

  /**
   * Records an action that has no transaction of its own.
   * @throws AppError storage_failed, unavailable
   */
  record(pending: PendingAction): void;

  /** Oldest first. @throws AppError invalid_cursor */
  list(query: AuditQuery): Page<AuditEntry>;

  /** Removes entries older than this time (milliseconds since 1970): the only way to remove entries. */
  prune(before: number): void;
}
