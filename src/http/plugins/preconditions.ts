/**
 * Conditional requests (RFC 9110, section 13): a change is refused if another caller has changed the resource since,
 * and a response is not sent again if the client's copy is current.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AppError } from '../../lib/errors.ts';
import type { Population } from '../../service/ports/populations.ts';

const TAG = '(?:W/)?"[\\x21\\x23-\\x7e]*"';

/**
 * Schema of the `If-Match` header, for routes that support it. `unread-parts.ts` refuses the header for all other
 * routes.
 */
export const ifMatchHeaders = z.looseObject({
  'if-match': z
    .string()
    .regex(new RegExp(`^(?:\\*|${TAG}(?:[ \\t]*,[ \\t]*${TAG})*)$`), 'ETags in quotes, or *, are expected')
    .optional()
    .describe(
      '`ETag` of the state that was read, or `*`. If the state has changed since, nothing is changed and the ' +
        'response is 412.',
    ),
});

/** Whether a route supports `If-Match`, according to the schema of its headers. */
export function takesIfMatch(headers: unknown): boolean {
  return headers instanceof z.ZodObject && 'if-match' in headers.shape;
}

/** Returns a strong ETag of `fields`. */
export function tagOf(fields: unknown): string {
  const digest = createHash('sha256').update(JSON.stringify(fields)).digest('base64url');
  return `"${digest.slice(0, TAG_CHARACTERS)}"`;
}

/** Number of base64 characters in the ETag, which encode 132 bits of the digest. */
const TAG_CHARACTERS = 22;

/**
 * Checks `If-Match` by strong comparison, as RFC 9110 requires: a tag that a proxy has weakened (`W/`) matches nothing.
 * @throws AppError precondition_failed unless the header is missing, is `*`, or contains a tag that `isCurrent` accepts
 */
export function requireMatch(ifMatch: string | undefined, isCurrent: (etag: string) => boolean): void {
  if (ifMatch === undefined || ifMatch === '*') return;
  if (ifMatch.split(',').some((tag) => isCurrent(tag.trim()))) return;
  const message = 'the resource has changed since it was read: read it again, and send the change with the new ETag';
  throw new AppError('precondition_failed', message, {
    details: [{ pointer: 'if-match', value: ifMatch, message }],
  });
}

/**
 * Headers of a response that may be cached but must always be revalidated, because users may be erased even from a
 * version that otherwise never changes. The response is private because it contains user ids.
 */
export const REVALIDATE = 'private, no-cache';

/** Headers of a response with a secret, which no cache may store. */
export const NO_STORE = { 'cache-control': 'no-store' } as const;

/** The part of an ETag that changes when users are erased; empty if no user was ever erased. */
export function erasureTag({ erasures }: Pick<Population, 'erasures'>): string {
  return erasures.count === 0 ? '' : `-e${erasures.count}`;
}

/** Whether `If-None-Match` contains the ETag, by weak comparison (RFC 9110, section 13.1.2). */
export function isMatch(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** Sends the 304 response: the headers of the full response without its body. */
export function sendNotModified(reply: FastifyReply): FastifyReply {
  return reply.code(304).send();
}
