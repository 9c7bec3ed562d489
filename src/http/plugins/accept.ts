/** Content negotiation (RFC 9110, section 12.5) with @fastify/accepts. */
import fastifyAccepts from '@fastify/accepts';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../lib/errors.ts';
import type { ServerApp } from './fastify-types.ts';

/**
 * Number of characters of `Accept` and `Accept-Encoding` that are read. A header of 16 KiB can name 4,000 types, and
 * parsing them took 34 ms.
 */
const MAXIMUM_ACCEPT_LENGTH = 1_024;

/** Adds @fastify/accepts, on which `negotiate` and `acceptsGzip` depend. */
export async function negotiateContent(app: ServerApp): Promise<void> {
  await app.register(fastifyAccepts);
}

/**
 * Returns the offered type that `Accept` prefers. If several are equally preferred, returns the first of them.
 * @throws AppError not_acceptable if `Accept` matches no offered type
 */
export function negotiate<T extends string>(request: FastifyRequest, offers: readonly [T, ...T[]]): T {
  const accept = boundedHeader(request, 'accept');
  if (accept === undefined || accept.trim() === '') return offers[0];
  // some clients name the charset, and an offer without a charset would not match
  const accepted = request.types(offers.flatMap((offer) => [offer, `${offer};charset=utf-8`]));
  const best = offers.find((offer) => String(accepted).split(';', 1)[0] === offer);
  if (best !== undefined) return best;
  throw new AppError('not_acceptable', `this route returns ${offers.join(', ')}`, {
    details: [{ pointer: 'accept', value: accept, message: `accept one of ${offers.join(', ')}` }],
  });
}

/**
 * Whether `Accept-Encoding` prefers gzip to no encoding. If both are equally preferred, the encoding that the header
 * names first is chosen.
 */
export function acceptsGzip(request: FastifyRequest): boolean {
  // `x-gzip` is the old name of gzip
  const gzip = /\bx-gzip\b/i.test(boundedHeader(request, 'accept-encoding') ?? '') ? 'x-gzip' : 'gzip';
  return request.encodings([gzip, 'identity']) === gzip;
}

/** Truncates the headers in the request itself, because @fastify/accepts reads them there. */
function boundedHeader({ raw }: FastifyRequest, name: 'accept' | 'accept-encoding'): string | undefined {
  const given = raw.headers[name] as string | undefined;
  if (given !== undefined && given.length > MAXIMUM_ACCEPT_LENGTH)
    raw.headers[name] = given.slice(0, MAXIMUM_ACCEPT_LENGTH);
  return raw.headers[name] as string | undefined;
}
