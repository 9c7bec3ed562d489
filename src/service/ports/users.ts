/** The service that the routes of users need. */
import type { PendingAction } from '../../domain/audit.ts';

export interface UserEraser {
  /**
   * Erases a user from all versions of the population and from the store: durable when this resolves. The audit entry
   * of the action is written with the request, before anything is erased. Repeating it changes nothing; work begun
   * before an error is completed.
   * @throws AppError unavailable, storage_failed, invalid_population
   */
  erase(userId: string, action: PendingAction | null): Promise<void>;
}
