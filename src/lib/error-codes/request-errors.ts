/**
 * The error codes for requests that are refused because of their origin, host, rate or preconditions. They are rows of
 * `error-codes.ts`.
 */
import type { ProblemRow } from './problem-row.ts';

export const REQUEST_ERRORS = {
  foreign_origin: {
    status: 403,
    title: 'Pages from this origin may not call the service',
    meaning:
      'A browser sent the request for a page from another origin, which the operator has not allowed. Nothing was ' +
      'done.',
    advice:
      'Call the service from your own server. If a page must call the service directly, the operator can add its ' +
      'origin to METAHEAC_CORS_ORIGINS.',
  },
  precondition_failed: {
    status: 412,
    title: 'The resource has changed since it was read',
    meaning:
      'None of the ETags in If-Match is current, because another caller has changed the resource. This request changed ' +
      'nothing.',
    advice: 'Read the resource again, decide whether your change still makes sense, and send it with the new ETag.',
  },
  foreign_host: {
    status: 421,
    title: 'The service does not accept requests for this host name',
    meaning:
      'A service that was started without a key accepts requests only for host names that it knows. Otherwise, ' +
      'any web page could point its own host name at the service.',
    advice:
      'Use localhost, 127.0.0.1 or the address that the service listens on. The operator can allow other names with ' +
      'METAHEAC_ALLOWED_HOSTS, or set a key.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    meaning: 'This key, or this address, has sent more requests in this second than the operator allows.',
    advice:
      'Wait Retry-After seconds. RateLimit-Remaining says how many requests are left, and RateLimit-Reset when the ' +
      'next window begins.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    meaning: 'The cursor does not come from this list, or points to something that is no longer kept.',
    advice: 'Pass `next_cursor` unchanged to the same route, or start again without a cursor.',
  },
  deletion_refused: {
    status: 400,
    title: 'The deletion request was refused',
    meaning:
      'A request of the Data Deletion Request Framework was refused. `acJWT` is the signed acknowledgement, whose ' +
      '`raResultCode` says why: a field is missing (1), a signature is not by a trusted issuer (2), a token is not a ' +
      'JWT (3), the type of the identifier is not supported (4), its format is wrong (5), or a time is (6).',
    advice: 'Correct the request. GET /dsrdelete.json lists types and formats of identifiers.',
  },
  webhook_url_refused: {
    status: 400,
    title: 'Webhooks cannot be sent to this URL',
    meaning: 'Webhooks are not sent to this URL because it is not https, or because its host is not public.',
    advice:
      'Use an https URL of a public host. The operator can allow other hosts with METAHEAC_WEBHOOK_ALLOWED_HOSTS.',
  },
  destination_refused: {
    status: 400,
    title: 'Audiences cannot be delivered to this folder or bucket',
    meaning:
      'The folder is not below METAHEAC_DESTINATIONS_ROOT, or the bucket, prefix or endpoint cannot be used: an ' +
      'endpoint must have an https URL of a public host.',
    advice:
      'Correct the place as the message says. The operator sets the root of folders with METAHEAC_DESTINATIONS_ROOT, ' +
      'and can allow other hosts with METAHEAC_WEBHOOK_ALLOWED_HOSTS.',
  },
} satisfies Readonly<Record<string, ProblemRow>>;
