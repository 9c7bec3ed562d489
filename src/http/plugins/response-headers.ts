/** Descriptions of all response headers. Routes refer to the headers by name. */
import type { ErrorCode } from '../../lib/errors.ts';

interface Header {
  readonly description: string;
  /** Whether the header is in every response that documents it. */
  readonly required: boolean;
  readonly schema: object;
  readonly example: string | number;
}

/** Documented headers for `components.headers`. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': {
    description: 'Id of the request, as in the log: the id that the caller sent if it is valid, otherwise a new id.',
    required: true,
    schema: { type: 'string', pattern: '^[\\w.-]{1,64}$' },
    example: '0b0c1d6e-6a1f-4f5c-9a55-0f6f1f3f7a11',
  },
  Location: {
    description: 'The URL of the created resource.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
    example: '/v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
  },
  'Idempotent-Replayed': {
    description:
      '`true` if this response repeats the response to an earlier request with the same `Idempotency-Key`, and ' +
      'nothing was created.',
    required: false,
    schema: { type: 'string', enum: ['true'] },
    example: 'true',
  },
  'X-Without-Identifier': {
    description:
      'Number of users omitted from this page or stream because they have no identifier of this type and rule. Only ' +
      'with `identifier`.',
    required: false,
    schema: { type: 'integer', minimum: 0 },
    example: 12,
  },
  'Retry-After': {
    description: 'Seconds to wait before trying again. The header is missing if the time is unknown.',
    required: false,
    schema: { type: 'integer', minimum: 1 },
    example: 5,
  },
  'RateLimit-Limit': {
    description:
      'Maximum number of requests that the key, or the client address, may send in a window. If a limit ' +
      'applies, successful responses also have this header.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 100,
  },
  'RateLimit-Remaining': {
    description: 'Number of requests left in the current window.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
    example: 0,
  },
  'RateLimit-Reset': {
    description: 'Seconds until the next window begins.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
    example: 1,
  },
  'WWW-Authenticate': {
    description: 'How to send the API key, or the scope that the key lacks.',
    required: false,
    schema: { type: 'string' },
    example: 'Bearer realm="metaheac"',
  },
  ETag: {
    description:
      'Identifies the state that was read. If the route supports conditional requests, send this tag as ' +
      '`If-None-Match` to read again only after a change, or as `If-Match` to change exactly this state.',
    required: true,
    schema: { type: 'string', pattern: '^"[^"]*"$' },
    example: '"3-csv-gzip"',
  },
  'Cache-Control': {
    description:
      'Whether the response may be cached. Only the caller may cache a response, because it may contain user ' +
      'ids. A response with a secret must not be cached.',
    required: true,
    schema: { type: 'string', enum: ['private, no-cache', 'no-store'] },
    example: 'private, no-cache',
  },
  Vary: {
    description: 'The request headers that the response depends on.',
    required: true,
    schema: { type: 'string' },
    example: 'accept, accept-encoding',
  },
  'Content-Encoding': {
    description: '`gzip` if `Accept-Encoding` allows gzip; never for Parquet.',
    required: false,
    schema: { type: 'string', enum: ['gzip'] },
    example: 'gzip',
  },
  'Content-Disposition': {
    description: 'Suggested file name for the ONNX file.',
    required: false,
    schema: { type: 'string' },
    example: 'attachment; filename="customised-0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11-v1.onnx"',
  },
  Link: {
    description: 'The URL of the manifest (`rel="describedby"`).',
    required: true,
    schema: { type: 'string' },
    example: '</v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11/model>; rel="describedby"; type="application/json"',
  },
  'X-Audience-Version': {
    description: 'The audience version that was read.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 3,
  },
  'X-Audience-Size': {
    description: 'Number of users in the audience, or in the requested cut.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
    example: 1000,
  },
  'X-Audience-Candidates': {
    description: 'Number of users in the ranking, which is the maximum size of an audience.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
    example: 20_000,
  },
  'X-Stale-Seconds': {
    description:
      'For how many seconds the node has not reached the database of the cluster. The response is from memory, so a ' +
      'change made since is missing. The header is missing while the database answers.',
    required: false,
    schema: { type: 'integer', minimum: 1 },
    example: 12,
  },
  'X-Kept-Versions': {
    description:
      'Number of stored versions of the deleted files that rules of the object storage keep (a legal hold, or a ' +
      'retention); `unknown` if the service may not read whether there are any. The header is missing if there are none.',
    required: false,
    schema: { type: 'string', pattern: '^([1-9][0-9]*|unknown)$' },
    example: '2',
  },
  'X-Next-Cursor': {
    description:
      'Cursor of the next page, if NDJSON, CSV or Parquet was requested with `limit` and another page follows.',
    required: false,
    schema: { type: 'string' },
    example: 'AQAAAAMAAAPoAAAAZKbE_Qc',
  },
  'X-Model-Version': {
    description: 'The version of the general model that was customised.',
    required: true,
    schema: { type: 'string' },
    example: '0123456789ab',
  },
} as const satisfies Readonly<Record<string, Header>>;

export type HeaderName = keyof typeof RESPONSE_HEADERS;

/** Headers of a cacheable response, which `conditional.ts` sends. */
export const CACHED = ['ETag', 'Cache-Control', 'Vary'] as const satisfies readonly HeaderName[];

const RATE_HEADERS = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;

/** Codes of errors after which a later attempt may succeed. */
const RETRIED: readonly ErrorCode[] = ['unavailable', 'audience_not_ready', 'rate_limited'];

/** Headers of an error response with one of these codes, in addition to X-Request-Id, which every response has. */
export function headersOfErrors(codes: readonly ErrorCode[]): HeaderName[] {
  return [
    ...(codes.includes('unauthorized') || codes.includes('forbidden') ? (['WWW-Authenticate'] as const) : []),
    ...(codes.includes('rate_limited') ? RATE_HEADERS : []),
    ...(codes.some((code) => RETRIED.includes(code)) ? (['Retry-After'] as const) : []),
  ];
}
