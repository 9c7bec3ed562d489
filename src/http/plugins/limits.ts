/** Limits of every route: bodies, connections, paging, streams. */
import { fixed, type LimitValues, setting } from '../../lib/limits.ts';

export const HTTP_LIMITS = {
  bodyLimitBytes: setting(8 * 1024 * 1024, 'bytes', 'Bytes of a JSON body (8 MiB).', { published: true }),
  maximumUserIdBytes: fixed(256, 'bytes', 'Bytes of a user id, in UTF-8.', { published: true }),
  maximumParamLength: fixed(16_384, 'characters', 'Characters of a path parameter, percent-encoded.'),
  maximumErrorDetails: fixed(20, 'entries', 'Entries in the `errors` of one problem.'),
  maximumCampaignPageSize: fixed(200, 'items', 'Campaigns, expansions, webhooks or deliveries in one page.'),
  defaultCampaignPageSize: fixed(
    50,
    'items',
    'Campaigns, expansions, webhooks or deliveries in a page if no `limit` is given.',
  ),
  maximumOpenStreams: fixed(64, 'streams', 'Open streams of audiences, differences and user ids; one more gets 503.', {
    published: true,
  }),
  streamStallMs: fixed(
    30_000,
    'ms',
    'Milliseconds that a client may take for one chunk of a stream before the connection is closed.',
  ),
  maximumStreamMs: fixed(3_600_000, 'ms', 'Milliseconds that a client may take for a whole stream.'),
  requestTimeoutMs: fixed(
    60_000,
    'ms',
    'Milliseconds in which a request must arrive completely, unless it is an upload.',
  ),
  headersTimeoutMs: fixed(
    15_000,
    'ms',
    'Milliseconds within which the head of a request must arrive, from the start of the connection or the first byte.',
  ),
  maximumConnections: setting(
    10_000,
    'connections',
    'Open connections; one more is closed at once. Fewer if the process may open too few files (`ulimit -n`).',
  ),
  reservedDescriptors: fixed(
    512,
    'descriptors',
    'File descriptors, of those that `ulimit -n` allows, reserved for the database, open streams and uploads, and the ' +
      'population. Rankings get at most half of the rest.',
  ),
  requestsPerKey: setting(
    0,
    'requests',
    'Requests with one key within `METAHEAC_RATE_LIMIT_WINDOW_MS`; one more gets 429. 0 means no limit.',
    { least: 0, published: true },
  ),
  requestsPerAddress: setting(
    0,
    'requests',
    'Requests from one address (for IPv6, one /64) within the same time, with any key; one more gets 429. 0 means ' +
      'no limit. Behind a proxy, also set `METAHEAC_TRUSTED_PROXIES`. Health and metrics are not counted.',
    { least: 0, published: true },
  ),
  rateLimitWindowMs: setting(
    1_000,
    'ms',
    'Milliseconds over which requests are counted; all counts are reset together.',
  ),
  maximumRateLimitClients: fixed(
    100_000,
    'clients',
    'Keys, and addresses, that are counted separately in one window; further ones share one count.',
  ),
  keepAliveTimeoutMs: setting(72_000, 'ms', 'Milliseconds for which an idle connection is kept.'),
  closeGraceMs: setting(
    5_000,
    'ms',
    'Milliseconds that responses in flight are given to finish when the service stops.',
  ),
  overloadLagMs: fixed(
    100,
    'ms',
    'Milliseconds for which requests may wait to be handled, in three consecutive measurements, before some of them ' +
      'get 503; look-ups, reads and health checks do not.',
  ),
  overloadLookupLagMs: fixed(
    150,
    'ms',
    'The same for look-ups and reads, which are refused last: refusing one takes half the time of answering one. ' +
      'Health checks are always answered.',
  ),
  lingerMs: fixed(
    3_000,
    'ms',
    'Milliseconds for which a refused body is still read, so that its sender gets the response.',
  ),
  lingerBytes: fixed(1024 * 1024 * 1024, 'bytes', 'Bytes of a refused body that are still read (1 GiB).'),
};

/** Maximum number of characters of an Idempotency-Key. */
export const MAXIMUM_IDEMPOTENCY_KEY_LENGTH = 255;

export type HttpLimits = LimitValues<typeof HTTP_LIMITS>;
