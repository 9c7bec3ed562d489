/** Conditional requests (RFC 9110, section 13): a response is not sent again if the client's copy is current. */
import type { FastifyReply } from 'fastify';
import type { Population } from '../../service/ports/populations.ts';

/**
 * Headers of a response that may be cached, but must be revalidated each time, because users may be erased even from a
 * version that otherwise never changes. The response is private, because it contains user ids.
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
