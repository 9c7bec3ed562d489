/** What the webhook routes and the metrics need from the dispatcher. */
import type { AddressGuard } from '../webhooks/address-guard.ts';

/** Attempts since the start, by outcome. */
export interface AttemptCounts {
  readonly delivered: number;
  /** Failed, and retried later. */
  readonly retried: number;
  readonly failed: number;
}

/** What routes and metrics need from the dispatcher. */
export interface WebhookService {
  /** Refuses URLs to which nothing may be sent. */
  readonly guard: Pick<AddressGuard, 'checkUrl'>;
  /** Checks at once for due deliveries. */
  wake(): void;
  counts(): AttemptCounts;
}
