/** The response headers, each described once; routes name the ones of their responses. */
import type { ErrorCode } from '../../lib/errors.ts';

interface Header {
  readonly description: string;
  /** Whether every response documented with it has it. */
  readonly required: boolean;
  readonly schema: object;
  readonly example: string | number;
}

/** The documented headers: `components.headers`. */
export const RESPONSE_HEADERS = {
  'X-Request-Id': {
    description: "The request's id, as in the log: the caller's own, if it sent a usable one, else a new one.",
    required: true,
    schema: { type: 'string', pattern: '^[\\w.-]{1,64}$' },
    example: '0b0c1d6e-6a1f-4f5c-9a55-0f6f1f3f7a11',
  },
  Location: {
    description: 'The address of the created resource.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
    example: '/v1/campaigns/0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11',
  },
  'Idempotent-Replayed': {
    description: 'The response is that of an earlier request with this key: nothing new was created.',
    required: false,
    schema: { type: 'string', enum: ['true'] },
    example: 'true',
  },
  'Retry-After': {
    description: 'Seconds after which to try again. Missing if that is unknown.',
    required: false,
    schema: { type: 'integer', minimum: 1 },
    example: 5,
  },
  'RateLimit-Limit': {
    description: 'Requests that the key, or the address, may send in a window. Also on other responses, if limited.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 100,
  },
  'RateLimit-Remaining': {
    description: 'Of these, the ones that are left.',
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
    description: 'How to send the API key.',
    required: true,
    schema: { type: 'string' },
    example: 'Bearer realm="metaheac"',
  },
  ETag: {
    description:
      'Identifies what was read: can be sent as `If-None-Match` to read it again, as `If-Match` to change it, where ' +
      'the route takes that.',
    required: true,
    schema: { type: 'string', pattern: '^"[^"]*"$' },
    example: '"3-csv-gzip"',
  },
  'Cache-Control': {
    description: 'How long the response can be cached: by the caller only, as it may contain user ids; a secret never.',
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
    description: 'Except for Parquet, if `Accept-Encoding` allows gzip.',
    required: false,
    schema: { type: 'string', enum: ['gzip'] },
    example: 'gzip',
  },
  'Content-Disposition': {
    description: 'A name for the ONNX file.',
    required: false,
    schema: { type: 'string' },
    example: 'attachment; filename="customised-0193634e-5f6b-7cc4-a8cd-0a6d1a0d2f11-v1.onnx"',
  },
  Link: {
    description: 'The address of the manifest (`rel="describedby"`).',
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
    description: 'Users in the audience, or in the requested cut.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
    example: 1000,
  },
  'X-Audience-Candidates': {
    description: 'Users in the ranking, the largest possible size.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
    example: 20_000,
  },
  'X-Next-Cursor': {
    description: '`cursor` of the next page, if NDJSON, CSV or Parquet was requested with `limit` and there is more.',
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

/** The headers of a cacheable response: `conditional.ts` sends them. */
export const CACHED = ['ETag', 'Cache-Control', 'Vary'] as const satisfies readonly HeaderName[];

const RATE_HEADERS = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;

/** Errors after which it helps to try again later. */
const RETRIED: readonly ErrorCode[] = ['unavailable', 'audience_not_ready', 'rate_limited'];

/** The headers of an error response with one of these codes, in addition to X-Request-Id, which every response has. */
export function headersOfErrors(codes: readonly ErrorCode[]): HeaderName[] {
  return [
    ...(codes.includes('unauthorized') ? (['WWW-Authenticate'] as const) : []),
    ...(codes.includes('rate_limited') ? RATE_HEADERS : []),
    ...(codes.some((code) => RETRIED.includes(code)) ? (['Retry-After'] as const) : []),
  ];
}
