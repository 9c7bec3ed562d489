/** Limits of every route: bodies, connections, paging, streams. */
import type { LimitRows, LimitValues } from '../limit.ts';

export const HTTP_LIMITS = {
  bodyLimitBytes: {
    default: 8 * 1024 * 1024,
    unit: 'bytes',
    published: true,
    description: 'Bytes of a JSON body (8 MiB).',
  },
  maximumUserIdBytes: {
    default: 256,
    unit: 'bytes',
    published: true,
    description: 'Bytes of a user id, in UTF-8.',
  },
  maximumParamLength: {
    default: 16_384,
    unit: 'characters',
    description: 'Characters of a path parameter, percent-encoded.',
  },
  maximumErrorDetails: {
    default: 20,
    unit: 'entries',
    description: 'Entries in the `errors` of one problem.',
  },
  maximumCampaignPageSize: {
    default: 200,
    unit: 'items',
    description: 'Campaigns, expansions, webhooks or deliveries in one page.',
  },
  defaultCampaignPageSize: {
    default: 50,
    unit: 'items',
    description: 'Campaigns, expansions, webhooks or deliveries in a page if no `limit` is given.',
  },
  maximumOpenStreams: {
    default: 64,
    unit: 'streams',
    published: true,
    description: 'Open streams of audiences, differences and user ids; one more gets 503.',
  },
  streamStallMs: {
    default: 30_000,
    unit: 'ms',
    description: 'Milliseconds that a client may take for one chunk of a stream before the connection is closed.',
  },
  maximumStreamMs: {
    default: 3_600_000,
    unit: 'ms',
    description: 'Milliseconds that a client may take for a whole stream.',
  },
  requestTimeoutMs: {
    default: 60_000,
    unit: 'ms',
    description: 'Milliseconds in which a request must arrive completely, unless it is an upload.',
  },
  headersTimeoutMs: {
    default: 15_000,
    unit: 'ms',
    description: 'Milliseconds in which the head of a request must arrive, from the connection or its first byte.',
  },
  maximumConnections: {
    default: 10_000,
    unit: 'connections',
    description:
      'Open connections; one more is closed at once. Fewer where the process may open too few files: see ' +
      '`METAHEAC_RESERVED_DESCRIPTORS`.',
  },
  reservedDescriptors: {
    default: 512,
    unit: 'descriptors',
    least: 128,
    description:
      'Of the files that the process may open (`ulimit -n`) those that no connection gets: they are for the ' +
      'database, open streams and uploads, and the population. Rankings get at most half of the rest.',
  },
  requestsPerKey: {
    default: 0,
    least: 0,
    unit: 'requests',
    published: true,
    description: 'Requests with one key in `METAHEAC_RATE_LIMIT_WINDOW_MS`; one more gets 429. 0 is no limit.',
  },
  requestsPerAddress: {
    default: 0,
    least: 0,
    unit: 'requests',
    published: true,
    description:
      'Requests from one address (of IPv6: one /64) in the same time, with whatever key; one more gets 429. 0 is no ' +
      'limit. Behind a proxy set `METAHEAC_TRUSTED_PROXIES` too. Health and metrics are not counted.',
  },
  rateLimitWindowMs: {
    default: 1_000,
    unit: 'ms',
    description: 'Milliseconds over which requests are counted; all counts begin again together.',
  },
  maximumRateLimitClients: {
    default: 100_000,
    unit: 'clients',
    description: 'Keys, and addresses, that are counted apart in one window; further ones share one count.',
  },
  keepAliveTimeoutMs: {
    default: 72_000,
    unit: 'ms',
    description: 'Milliseconds for which an idle connection is kept.',
  },
  closeGraceMs: {
    default: 5_000,
    unit: 'ms',
    description: 'Milliseconds that responses in flight have when the service stops.',
  },
  overloadLagMs: {
    default: 100,
    unit: 'ms',
    description:
      'Milliseconds that requests may wait for their turn, three looks on end, before some get 503: of all but ' +
      'look-ups, reads and health checks.',
  },
  overloadLookupLagMs: {
    default: 150,
    unit: 'ms',
    description:
      'The same for look-ups and reads, which are refused last: refusing one takes half the time of answering one. ' +
      'Health checks are always answered.',
  },
  lingerMs: {
    default: 3_000,
    unit: 'ms',
    description: 'Milliseconds for which a refused body is still read, so that its sender gets the response.',
  },
  lingerBytes: {
    default: 1024 * 1024 * 1024,
    unit: 'bytes',
    description: 'Bytes of a refused body that are still read (1 GiB).',
  },
} as const satisfies LimitRows;

/** Characters of an Idempotency-Key. */
export const MAXIMUM_IDEMPOTENCY_KEY_LENGTH = 255;

export type HttpLimits = LimitValues<typeof HTTP_LIMITS>;
