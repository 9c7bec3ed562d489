/** The port of receipts and of the key that signs them. */
import type { Receipt, ReceiptKey } from '../receipts.ts';

export interface Receipts {
  /** The installation's key. It is created at the first call and never changes. @throws AppError storage_failed */
  key(): Promise<ReceiptKey>;

  /**
   * The receipt of the ranking behind an audience version.
   * @throws AppError campaign_not_found, audience_not_found
   */
  receiptOf(campaignId: string, version: number): Promise<Receipt>;
}
