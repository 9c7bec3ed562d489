/** What the webhook routes and the metrics need from the dispatcher. */
import type { AddressGuard } from '../webhooks/address-guard.ts';
import type { AttemptCounts } from '../webhooks/dispatcher.ts';

/** What routes and metrics need from the dispatcher. */
export interface WebhookService {
  /** Refuses URLs to which nothing may be sent. */
  readonly guard: Pick<AddressGuard, 'checkUrl'>;
  /** Checks at once for due deliveries. */
  wake(): void;
  counts(): AttemptCounts;
}
