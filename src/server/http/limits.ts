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

export type HttpLimits = LimitValues<typeof HTTP_LIMITS>;
