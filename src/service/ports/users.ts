/** The service that the user routes need. */
import type { PendingAction } from '../../domain/audit.ts';

/**
 * How many stored versions of the deleted files the rules of the storage keep, with the erased users; `unknown` if the
 * storage does not tell.
 */
export type KeptVersionCount = number | 'unknown';

export interface UserEraser {
  /**
   * Erases a user from all versions of the population and from the store. The erasure is durable when the promise
   * resolves. The audit entry is written with the request, before anything is erased; another entry says what the
   * storage keeps. Repeating the call changes nothing. If an error occurs, the erasure is completed later.
   * @throws AppError unavailable, storage_failed, invalid_population
   */
  erase(userId: string, action: PendingAction | null): Promise<KeptVersionCount>;
  /** Why an erasure would fail now; null if no reason is known. */
  obstacle(): string | null;
}
