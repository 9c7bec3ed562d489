/** The port of conversions, from which the lift of a campaign is computed. */
import type { PendingAction } from '../audit.ts';
import type { Conversion, ConversionReport, UserConversions, Window } from '../conversions.ts';

export interface Conversions {
  /**
   * Records conversions. All of them are on disk when the promise resolves, together with the audit log entry of the
   * action. Sending conversions again is harmless.
   * @throws AppError campaign_not_found, unavailable, storage_failed
   */
  addConversions(
    id: string,
    conversions: readonly Conversion[],
    action?: PendingAction | null,
  ): Promise<ConversionReport>;

  /**
   * The users who converted within a window, in blocks.
   * @throws AppError campaign_not_found, storage_failed
   */
  convertedUsers(id: string, window: Window): AsyncIterable<readonly UserConversions[]>;

  /** Removes conversions that happened before a time, in slices, so that other work can run in between. */
  removeConversions(before: number): Promise<void>;
}
