/** What the routes of users call. */
import type { PendingAction } from '../../domain/audit.ts';

export interface UserEraser {
  /**
   * Erases a user from the population, for all its versions, and from the store: on disk when this resolves. The
   * action's entry in the audit log is written with the request, before anything is erased. Repeating
   * it changes nothing; what had begun before an error is completed.
   * @throws AppError unavailable, storage_failed, invalid_population
   */
  erase(userId: string, action: PendingAction | null): Promise<void>;
}
