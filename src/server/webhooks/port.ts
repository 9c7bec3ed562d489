/** What the routes of webhooks and the metrics need of the part that sends. */
import type { AddressGuard } from './address-guard.ts';
import type { AttemptCounts } from './dispatcher.ts';

/** What routes and metrics need of the part that sends. */
export interface WebhookService {
  /** Refuses URLs that nothing may be sent to. */
  readonly guard: Pick<AddressGuard, 'checkUrl'>;
  /** Looks at once for what is due. */
  wake(): void;
  counts(): AttemptCounts;
}
