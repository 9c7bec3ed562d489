/** The service that webhook routes and metrics need. */
import type { AddressGuard } from '../webhooks/address-guard.ts';

/** Number of attempts since the start, by outcome. */
export interface AttemptCounts {
  readonly delivered: number;
  /** Number of failed attempts that will be retried. */
  readonly retried: number;
  readonly failed: number;
}

/** Functions of the dispatcher for routes and metrics. */
export interface WebhookService {
  /** Guard against URLs to which events must not be sent. */
  readonly guard: Pick<AddressGuard, 'checkUrl'>;
  /** Checks for due deliveries at once. */
  wake(): void;
  counts(): AttemptCounts;
}
