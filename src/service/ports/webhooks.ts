/** The service that webhook routes and metrics need. */
import type { AddressGuard } from '../webhooks/address-guard.ts';

/** Attempts since the start, by outcome. */
export interface AttemptCounts {
  readonly delivered: number;
  /** Failed attempts that are retried later. */
  readonly retried: number;
  readonly failed: number;
}

/** The dispatcher as routes and metrics see it. */
export interface WebhookService {
  /** Rejects URLs to which events must not be sent. */
  readonly guard: Pick<AddressGuard, 'checkUrl'>;
  /** Checks at once for due deliveries. */
  wake(): void;
  counts(): AttemptCounts;
}
