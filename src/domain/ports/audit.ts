/** The port of the audit log, to which entries are only added. */
import type { AuditEntry, AuditQuery, PendingAction } from '../audit.ts';
import type { Page } from '../types.ts';

export interface AuditLog {
  /**
   * Runs `work`, and records the action in the first transaction that it commits before it returns: both are on disk or
   * neither. What `work` does after an `await` is no part of that. A resource that it makes is named in the entry.
   */
  during<T>(pending: PendingAction, work: () => T): T;

  /** Records an action that no transaction has. @throws AppError storage_failed, unavailable */
  record(pending: PendingAction): void;

  /** Oldest first. @throws AppError invalid_cursor */
  list(query: AuditQuery): Page<AuditEntry>;

  /** Removes entries of before this time, milliseconds since 1970: the only way for one to go. */
  prune(before: number): void;
}
