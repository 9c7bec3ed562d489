/** The service that the user routes need. */
import type { PendingAction } from '../../domain/audit.ts';

export interface UserEraser {
  /**
   * Erases a user from all versions of the population and from the store. The erasure is durable when the promise
   * resolves. The audit entry is written with the request, before anything is erased. Repeating the call changes
   * nothing. If an error occurs, the erasure is completed later.
   * @throws AppError unavailable, storage_failed, invalid_population
   */
  erase(userId: string, action: PendingAction | null): Promise<void>;
}
