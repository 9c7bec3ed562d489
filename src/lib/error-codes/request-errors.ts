/** Error codes of requests that are refused for who sends them, or for what they presume: rows of `error-codes.ts`. */
import type { ProblemRow } from './problem-row.ts';

export const REQUEST_ERRORS = {
  foreign_origin: {
    status: 403,
    title: 'Pages of this origin may not call the service',
    meaning:
      'A browser sent the request for a page of another origin, which the operator has not allowed. Nothing was done.',
    advice:
      'Call the service from your own server. For a page that must call it, the operator adds its origin to ' +
      'METAHEAC_CORS_ORIGINS.',
  },
  precondition_failed: {
    status: 412,
    title: 'It was changed since it was read',
    meaning: 'If-Match names no ETag that it has now: another caller has changed it. Nothing has changed.',
    advice: 'Read it again, decide whether the change still holds, and send it with the new ETag.',
  },
  foreign_host: {
    status: 421,
    title: 'The service is not called by this name',
    meaning:
      'The service was started without a key, and then answers only by the names that it knows: any page could ' +
      'otherwise have a name of its own lead here.',
    advice:
      'Use localhost, 127.0.0.1 or the address that the service listens on. The operator adds other names with ' +
      'METAHEAC_ALLOWED_HOSTS, or sets a key.',
  },
  rate_limited: {
    status: 429,
    title: 'There are too many requests',
    meaning: 'This key, or this address, has sent more requests than the operator allows it in this second.',
    advice:
      'Wait Retry-After seconds. RateLimit-Remaining says how many requests are left, RateLimit-Reset until when.',
  },
  invalid_cursor: {
    status: 400,
    title: 'The cursor is not valid',
    meaning: 'The cursor does not come from this list, or points to something that is no longer kept.',
    advice: 'Pass next_cursor unchanged to the same route, or start again without a cursor.',
  },
  webhook_url_refused: {
    status: 400,
    title: 'Webhooks cannot be sent to this URL',
    meaning: 'Webhooks are not sent to this URL: it is not https, or its host is not public.',
    advice:
      'Use an https URL of a public host. The operator can allow other hosts with METAHEAC_WEBHOOK_ALLOWED_HOSTS.',
  },
} satisfies Readonly<Record<string, ProblemRow>>;
