/** The port of the audit log, which is append-only. */
import type { AuditEntry, AuditQuery, PendingAction } from '../audit.ts';
import type { Page } from '../pages.ts';

export interface AuditLog {
  /**
   * Runs `work` and records the action in the first transaction that `work` commits, even after an `await`. The entry
   * is therefore on disk if and only if the work is. If `work` creates a resource, the entry names the resource.
   */
  during<T>(pending: PendingAction, work: () => T): T;

  /**
   * Records an action that commits no transaction.
   * @throws AppError storage_failed, unavailable
   */
  record(pending: PendingAction): Promise<void>;

  /** Entries of the audit log, oldest first. @throws AppError invalid_cursor */
  list(query: AuditQuery): Promise<Page<AuditEntry>>;

  /** Removes entries older than this time (milliseconds since 1970). Entries cannot be removed in any other way. */
  prune(before: number): Promise<void>;
}
