/** The port of conversions, which a campaign's lift is computed from. */
import type { PendingAction } from '../audit.ts';
import type { Conversion, ConversionReport, UserConversions, Window } from '../conversions.ts';

export interface Conversions {
  /**
   * Records conversions. When the promise resolves, all of them are on disk with the audit log entry. Sending
   * conversions again is harmless.
   * @throws AppError campaign_not_found, unavailable, storage_failed
   */
  addConversions(
    id: string,
    conversions: readonly Conversion[],
    action?: PendingAction | null,
  ): Promise<ConversionReport>;

  /**
   * The users with conversions in a window, in blocks.
   * @throws AppError campaign_not_found, storage_failed
   */
  convertedUsers(id: string, window: Window): AsyncIterable<readonly UserConversions[]>;

  /** Removes conversions that happened before a time. Works in slices, so other work can run in between. */
  removeConversions(before: number): Promise<void>;
}
