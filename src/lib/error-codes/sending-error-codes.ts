/** The error codes of webhooks and destinations, which are part of the table in `error-codes.ts`. */
import type { ProblemRow } from './problem-row.ts';

export const SENDING_ROWS = {
  webhook_not_found: {
    status: 404,
    title: 'There is no such webhook',
    meaning: 'There is no webhook with this id. The webhook may have been deleted.',
    advice: 'GET /v1/webhooks lists the existing webhooks.',
  },
  destination_not_found: {
    status: 404,
    title: 'There is no such destination',
    meaning: 'There is no destination with this id. The destination may have been deleted.',
    advice: 'GET /v1/destinations lists the existing destinations.',
  },
  delivery_not_found: {
    status: 404,
    title: 'There is no such delivery',
    meaning:
      'The webhook or destination has no delivery with this id, or the delivery has been removed because of its age.',
    advice: 'List the deliveries of the webhook or destination, and use an id from there.',
  },
  webhook_disabled: {
    status: 409,
    title: 'The webhook is disabled',
    meaning: 'Nothing is sent to a disabled webhook.',
    advice: 'Enable the webhook with PATCH first, then try again.',
  },
  too_many_webhooks: {
    status: 409,
    title: 'There are too many webhooks',
    meaning: 'The service has reached its maximum number of webhooks.',
    advice: 'Delete a webhook that is not needed. The limit is fixed.',
  },
  too_many_destinations: {
    status: 409,
    title: 'There are too many destinations',
    meaning: 'The service has reached its maximum number of destinations.',
    advice:
      'Delete a destination that is not needed. The operator can raise the limit with METAHEAC_MAXIMUM_DESTINATIONS.',
  },
} as const satisfies Readonly<Record<string, ProblemRow>>;
