/** Limits that apply to all routes: bodies, connections, paging, streams. */
import { fixed, type LimitValues, setting } from '../../lib/limits.ts';

export const HTTP_LIMITS = {
  bodyLimitBytes: setting(8 * 1024 * 1024, 'bytes', 'Maximum number of bytes in a JSON body (8 MiB).', {
    published: true,
  }),
  maximumUserIdBytes: fixed(256, 'bytes', 'Maximum number of bytes in a user id, in UTF-8.', { published: true }),
  maximumParamLength: fixed(16_384, 'characters', 'Maximum number of characters in a percent-encoded path parameter.'),
  maximumErrorDetails: fixed(20, 'entries', 'Maximum number of entries in the `errors` list of one problem.'),
  maximumCampaignPageSize: fixed(
    200,
    'items',
    'Maximum number of campaigns, expansions, webhooks or deliveries in one page.',
  ),
  defaultCampaignPageSize: fixed(
    50,
    'items',
    'Number of campaigns, expansions, webhooks or deliveries in a page if no `limit` is given.',
  ),
  maximumOpenStreams: fixed(
    64,
    'streams',
    'Maximum number of open streams of audiences, differences and user ids; further streams get 503 unless another ' +
      'stream can be ended: one that its client does not read, or one of a key with more than its share.',
    {
      published: true,
    },
  ),
  streamStallMs: fixed(
    30_000,
    'ms',
    'Milliseconds that a client may take for one chunk of a stream before the connection is closed.',
  ),
  streamYieldMs: fixed(
    5_000,
    'ms',
    'Milliseconds that a client may take for one chunk of a stream while the maximum number of streams is open and ' +
      'another is requested.',
  ),
  maximumStreamMs: fixed(3_600_000, 'ms', 'Milliseconds that a client may take for a whole stream.'),
  requestTimeoutMs: fixed(
    60_000,
    'ms',
    'Milliseconds within which a request must arrive completely, unless it is an upload.',
  ),
  headersTimeoutMs: fixed(
    15_000,
    'ms',
    'Milliseconds within which the head of a request must arrive, from the start of the connection or the first byte.',
  ),
  maximumConnections: setting(
    10_000,
    'connections',
    'Maximum number of open connections; further connections are closed at once. The maximum is lower if the ' +
      'process may open too few files (`ulimit -n`).',
  ),
  reservedDescriptors: fixed(
    512,
    'descriptors',
    'Number of file descriptors reserved for the database, open streams, uploads and the population, out of the ' +
      'number that `ulimit -n` allows. Rankings get at most half of the rest.',
  ),
  requestsPerKey: setting(
    0,
    'requests',
    'Maximum number of requests with one key within `METAHEAC_RATE_LIMIT_WINDOW_MS`; further requests get 429. ' +
      '0 means no limit.',
    { least: 0, published: true },
  ),
  requestsPerAddress: setting(
    0,
    'requests',
    'Maximum number of requests from one address (for IPv6, one /64) within `METAHEAC_RATE_LIMIT_WINDOW_MS`, ' +
      'with any key; further requests get 429. 0 means no limit. Behind a proxy, also set ' +
      '`METAHEAC_TRUSTED_PROXIES`. Health and metrics are not counted.',
    { least: 0, published: true },
  ),
  rateLimitWindowMs: setting(
    1_000,
    'ms',
    'Milliseconds over which requests are counted; all counts are reset together.',
  ),
  maximumOutageMs: fixed(
    60_000,
    'ms',
    'Milliseconds for which a node of a cluster answers look-ups from memory while the database does not answer; ' +
      'changes are refused at once.',
  ),
  shareCountsMs: fixed(
    1_000,
    'ms',
    'Milliseconds between two moments at which a node of a cluster adds its counts of requests to those of the others.',
  ),
  sharedCountSlackPercent: fixed(
    10,
    '%',
    'Part of a rate limit that each node of a cluster may exceed it by, because it counts so many requests of a ' +
      'client before it learns what the others have counted.',
  ),
  sharedCountWaitMs: fixed(
    500,
    'ms',
    'Maximum time for which a request waits until the counts of the nodes of a cluster are added up. After it, the ' +
      'node decides by what it knows.',
  ),
  maximumRateLimitClients: fixed(
    100_000,
    'clients',
    'Maximum number of keys, and of addresses, that are counted separately in one window; further keys and ' +
      'addresses share one count.',
  ),
  keepAliveTimeoutMs: setting(72_000, 'ms', 'Milliseconds for which an idle connection is kept open.'),
  closeGraceMs: setting(5_000, 'ms', 'Milliseconds that responses in flight get to finish when the service stops.'),
  overloadLagMs: fixed(
    100,
    'ms',
    'Milliseconds for which requests may wait, in each of three consecutive measurements, before some requests get ' +
      '503. Look-ups, reads and health checks are exempt.',
  ),
  overloadLookupLagMs: fixed(
    150,
    'ms',
    'Milliseconds for which look-ups and reads may wait before some of them get 503. Look-ups and reads are refused ' +
      'last, because refusing a request takes half as long as answering it. Health checks are always answered.',
  ),
  lingerMs: fixed(
    3_000,
    'ms',
    'Milliseconds for which a refused body is still read, so that its sender gets the response.',
  ),
  lingerBytes: fixed(
    1024 * 1024 * 1024,
    'bytes',
    'Maximum number of bytes of a refused body that are still read (1 GiB).',
  ),
};

/** Maximum number of characters of an Idempotency-Key. */
export const MAXIMUM_IDEMPOTENCY_KEY_LENGTH = 255;

export type HttpLimits = LimitValues<typeof HTTP_LIMITS>;
